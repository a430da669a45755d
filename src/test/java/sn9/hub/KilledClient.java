package sn9.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import sn9.localnet.hub.AccessTokens;
import sn9.localnet.hub.HubServer;

/**
 * A client killed with SIGKILL in the middle of uploads and downloads, at moments drawn by seed: {@code KilledClient FOLDER
 * KILLS BYTES SEED}. Started again it must go on: what passed the wire, counted before the server, is one file and at most
 * what the killed ones had under way; what arrives in the end is the file bit for bit. Prints one line a round.
 */
public final class KilledClient {
    /** Parts of an upload and ranges of a download are of this size, and four of them are under way at once. */
    private static final long LOST_BYTES = 4L * FileDownload.CHUNK_BYTES;

    /** Buffers between the processes, requests and answers. */
    private static final long MORE_BYTES = 16 << 20;

    private final Path folder;
    private final int wanted;
    private final long bytes;
    private final Random random;
    private final CuttingProxy proxy;
    private final String token;
    private int kills;

    private KilledClient(String[] words, int port) throws IOException {
        folder = Path.of(words[0]);
        wanted = Integer.parseInt(words[1]);
        bytes = Long.parseLong(words[2]);
        random = new Random(Long.parseLong(words[3]));
        proxy = new CuttingProxy(port);
        token = AccessTokens.open(folder.resolve("net"), InstantSource.system())
                .issue("me", AccessTokens.Role.WRITE)
                .reveal();
    }

    /** Runs rounds until there were enough kills; fails at the first thing that is not as it should be. */
    public static void main(String[] words) throws IOException, InterruptedException {
        try (var server = HubServer.start(Path.of(words[0]).resolve("net"), 0)) {
            var client = new KilledClient(words, server.address().getPort());
            for (int round = 1; client.kills < client.wanted; round++) {
                client.round(round);
            }
        }
        System.exit(0); // connections of the killed may still be open
    }

    private void round(int round) throws IOException, InterruptedException {
        Path model = Files.createDirectories(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{}");
        Path file = model.resolve("model.safetensors");
        write(file, round);
        String repo = "me/round" + round;
        int before = kills;
        double sent = moved(proxy.sent, "up", repo, model.toString());
        String commit = HubProcess.lastLine(folder.resolve("said"));
        int uploading = kills - before;
        double received = moved(proxy.received, "get", repo, commit);
        Path back = Path.of(HubProcess.lastLine(folder.resolve("said"))).resolve("model.safetensors");
        if (Files.mismatch(file, back) != -1) {
            throw new IOException("round " + round + " differs at byte " + Files.mismatch(file, back));
        }
        Files.delete(back.toRealPath());
        System.out.printf(
                Locale.ROOT,
                "round %d up %d kills, sent %.2f times the file; down %d kills, received %.2f times%n",
                round,
                uploading,
                sent,
                kills - before - uploading,
                received);
    }

    private void write(Path file, int round) throws IOException {
        var content = new Random(round);
        byte[] block = new byte[1 << 20];
        try (var channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            for (long at = 0; at < bytes; at += block.length) {
                content.nextBytes(block);
                channel.write(ByteBuffer.wrap(block, 0, (int) Math.min(block.length, bytes - at)), at);
            }
        }
    }

    /** Starts a client until one ends by itself; tells how many times the file went over the wire. */
    private double moved(AtomicLong count, String... words) throws IOException, InterruptedException {
        long before = count.get();
        int killed = 0;
        while (!runs(count, words)) {
            killed++;
        }
        long moved = count.get() - before;
        long most = bytes + killed * LOST_BYTES + MORE_BYTES;
        if (moved > most) {
            throw new IOException(words[0] + ": " + moved + " bytes after " + killed + " kills, at most " + most
                    + " are what a client that goes on needs");
        }
        return moved / (double) bytes;
    }

    /** Whether a client came to its end; otherwise it was killed. */
    private boolean runs(AtomicLong count, String... words) throws IOException, InterruptedException {
        long until = count.get() + random.nextLong(bytes);
        Path said = folder.resolve("said");
        var command = HubProcess.java(HubProcess.class, Optional.empty());
        command.add(proxy.address());
        command.add(token);
        command.add(folder.resolve("cache").toString());
        command.add(words[0]);
        command.add(words[1]);
        command.add(words[2]);
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        while (!process.waitFor(5, TimeUnit.MILLISECONDS)) {
            if (kills < wanted && count.get() >= until) {
                Thread.sleep(random.nextInt(300));
                process.destroyForcibly();
                break;
            }
        }
        int status = process.waitFor();
        if (status == 0) {
            return true;
        }
        if (status != 128 + 9) {
            throw new IOException("the client ended with " + status + ": " + Files.readString(said));
        }
        kills++;
        return false;
    }
}
