package sn9.hub;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Random;
import sn9.subnet.RepoId;

/**
 * A model up to a Hub and back, again and again, bit for bit, through a proxy that resets connections at places drawn by
 * seed: {@code RoundTrip ENDPOINT OWNER TOKEN_FILE FOLDER ROUNDS BYTES RESETS}. Without resets there is no proxy between, and
 * the rates are the client's and the server's. Each round is a repository of its own, deleted afterwards. Prints one line
 * a round and {@code VmHWM} in the end.
 */
public final class RoundTrip {
    private final URI server;
    private final String owner;
    private final String token;
    private final Path folder;
    private final long bytes;
    private final int resets;

    private RoundTrip(String[] words) throws IOException {
        server = URI.create(words[0]);
        owner = words[1];
        token = Files.readString(Path.of(words[2])).strip();
        folder = Path.of(words[3]);
        bytes = Long.parseLong(words[5]);
        resets = Integer.parseInt(words[6]);
    }

    /** Runs the rounds; fails at the first that is not bit for bit. */
    public static void main(String[] words) throws IOException, InterruptedException {
        var trip = new RoundTrip(words);
        Path model = Files.createDirectories(trip.folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{}");
        trip.write(model.resolve("model.safetensors"));
        for (int round = 1; round <= Integer.parseInt(words[4]); round++) {
            trip.round(round, model);
        }
        Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM"))
                .forEach(System.out::println);
    }

    private void write(Path file) throws IOException {
        var random = new Random(1);
        byte[] block = new byte[1 << 20];
        try (var channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            for (long at = 0; at < bytes; at += block.length) {
                random.nextBytes(block);
                channel.write(ByteBuffer.wrap(block, 0, (int) Math.min(block.length, bytes - at)), at);
            }
        }
    }

    /** The round's own content: its number in the first bytes. */
    private static void stamp(Path file, int round) throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(4).putInt(0, round), 0);
        }
    }

    private void round(int round, Path model) throws IOException, InterruptedException {
        Path file = model.resolve("model.safetensors");
        stamp(file, round);
        var random = new Random(round);
        String repo = owner + "/round" + round;
        Path back = folder.resolve("back");
        try (var proxy = new CuttingProxy(server.getPort())) {
            String endpoint = resets == 0 ? server.toString() : proxy.address();
            try (var store = HubProcess.store(endpoint, token, folder.resolve("cache"))) {
                var cutter = Thread.startVirtualThread(() -> cut(proxy, random));
                long start = System.nanoTime();
                String commit = store.upload(repo, model);
                long middle = System.nanoTime();
                store.download(repo, commit, "model.safetensors", back, bytes);
                long end = System.nanoTime();
                cutter.interrupt();
                cutter.join();
                if (Files.mismatch(file, back) != -1) {
                    throw new IOException("round " + round + " differs at byte " + Files.mismatch(file, back));
                }
                System.out.printf(
                        Locale.ROOT,
                        "round %d up %.0f MB/s down %.0f MB/s resets %d%n",
                        round,
                        bytes * 1e3 / (middle - start),
                        bytes * 1e3 / (end - middle),
                        proxy.resets.get());
            }
        } finally {
            delete(RepoId.parse(repo));
            Files.deleteIfExists(back);
        }
    }

    private void cut(CuttingProxy proxy, Random random) {
        try {
            for (int i = 0; i < resets; i++) {
                proxy.sendable.set(random.nextLong(Math.max(10_000, bytes / resets)));
                proxy.receivable.set(random.nextLong(Math.max(10_000, bytes / resets)));
                int before = proxy.resets.get();
                while (proxy.resets.get() == before) {
                    Thread.sleep(20);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void delete(RepoId repo) throws IOException, InterruptedException {
        try (var client = HttpClient.newHttpClient()) {
            var request = HttpRequest.newBuilder(server.resolve("/api/repos/delete"))
                    .header("Authorization", "Bearer " + token)
                    .header("Content-Type", "application/json")
                    .method(
                            "DELETE",
                            HttpRequest.BodyPublishers.ofString("{\"name\":\"" + repo.name() + "\",\"organization\":\""
                                    + repo.namespace() + "\",\"type\":\"model\"}"))
                    .build();
            client.send(request, HttpResponse.BodyHandlers.discarding());
        }
    }
}
