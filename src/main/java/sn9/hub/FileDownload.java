package sn9.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.http.HttpReply;
import sn9.http.HttpRequest;
import sn9.http.HttpStream;
import sn9.http.Retry;

/**
 * Downloads one file: in ranges side by side, each gone on with where it was cut, the whole verified by size and hash
 * before it takes its place. What a killed program had is used by the next one.
 */
final class FileDownload {
    private static final Logger LOG = LoggerFactory.getLogger(FileDownload.class);

    /** A killed program loses at most one of these per range under way. */
    static final int CHUNK_BYTES = 16 << 20;

    private static final int RANGES_AT_ONCE = 4;
    private static final int BUFFER_BYTES = 1 << 17;

    /** Cuts in a row, without a byte between them, after which a range is given up. */
    private static final int MAX_CUTS = 5;

    private final HubClient client;
    private final Transfers transfers;
    private final Retry.Pause pause;
    private final int chunkBytes;

    /**
     * Downloads through a client.
     *
     * @param pause how to wait after a cut
     * @param chunkBytes size of a range
     */
    FileDownload(HubClient client, Transfers transfers, Retry.Pause pause, int chunkBytes) {
        this.client = client;
        this.transfers = transfers;
        this.pause = pause;
        this.chunkBytes = chunkBytes;
    }

    /**
     * Downloads a file to its place; it appears there whole or not at all.
     *
     * @param folder where it is until it is whole
     * @throws MalformedDataException when what came twice was not what the Hub said
     * @throws RemoteCallException when the Hub or its storage fails or refuses
     */
    void run(RemoteContent remote, Path folder, Path target) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        checkRoom(folder, remote.bytes() - PartialFile.bytes(folder, remote.content()));
        int chunks = Math.toIntExact(Math.ceilDiv(remote.bytes(), (long) chunkBytes));
        try (var partial = PartialFile.open(folder, remote.content(), chunks)) {
            if (isThere(remote, target)) {
                partial.discard();
                return; // another program brought it while this one waited
            }
            for (int tries = 1; ; tries++) {
                fill(remote, partial, chunks);
                partial.resize(remote.bytes());
                if (Files.size(partial.path()) == remote.bytes()
                        && remote.content().isOf(partial.path())) {
                    partial.publish(target);
                    return;
                }
                partial.restart();
                if (tries == 2) {
                    throw new MalformedDataException(
                            remote.name(), -1, "what came is not " + remote.content() + ", and again not");
                }
                LOG.warn("event=download_again file={} what came is not {}", remote.name(), remote.content());
            }
        }
    }

    private static boolean isThere(RemoteContent remote, Path target) throws IOException, InterruptedException {
        return Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)
                && Files.size(target) == remote.bytes()
                && remote.content().isOf(target);
    }

    private static void checkRoom(Path folder, long bytes) throws IOException {
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < bytes) {
            throw new IOException(folder + " has room for " + free + " bytes, the file takes " + bytes
                    + " more; free some space or choose another folder");
        }
    }

    private void fill(RemoteContent remote, PartialFile partial, int chunks) throws IOException, InterruptedException {
        try (var transfer = transfers.begin(remote.name(), remote.bytes())) {
            var tasks = new ArrayList<Parallel.Task>();
            for (int chunk = 0; chunk < chunks; chunk++) {
                var range = new Range(chunk, (long) chunk * chunkBytes, end(remote, chunk));
                if (partial.has(chunk)) {
                    transfer.moved(range.to - range.from);
                } else {
                    tasks.add(() -> fetch(remote, partial, range, chunks == 1, transfer));
                }
            }
            try {
                Parallel.run(RANGES_AT_ONCE, tasks);
            } catch (NoRangesException e) {
                LOG.info("event=no_ranges file={} comes in one piece", remote.name());
                fetch(remote, partial, new Range(0, 0, remote.bytes()), true, transfer);
                for (int chunk = 1; chunk < chunks; chunk++) {
                    partial.finish(chunk);
                }
            }
        }
    }

    /** A part was asked for and the whole came. */
    private static final class NoRangesException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private long end(RemoteContent remote, int chunk) {
        return Math.min(remote.bytes(), (chunk + 1L) * chunkBytes);
    }

    /** Bytes {@code from} to {@code to}, the latter not included. */
    private record Range(int chunk, long from, long to) {}

    /** Fetches a range; {@code alone} when it is the whole file, whose beginning may come again after a cut. */
    private void fetch(
            RemoteContent remote, PartialFile partial, Range range, boolean alone, Transfers.Transfer transfer)
            throws IOException, InterruptedException {
        long at = range.from;
        int cuts = 0;
        while (at < range.to) {
            long before = at;
            IOException cut = null;
            try (var answer = client.open(request(remote, at, range.to))) {
                at = read(remote, partial, answer, at, range.to, alone, transfer);
            } catch (Cut e) {
                at = e.at;
                cut = e;
            }
            if (at >= range.to) {
                break;
            }
            cuts = at > before ? 1 : cuts + 1;
            if (cuts > MAX_CUTS) {
                throw new RemoteCallException(
                        remote.name() + ": cut off at byte " + at + " for the " + cuts + "th time", true, cut);
            }
            LOG.info("event=download_cut file={} byte={} cuts={}", remote.name(), at, cuts);
            pause.sleep(Duration.ofSeconds(1));
        }
        partial.finish(range.chunk);
    }

    /** The other side ended a range early. */
    private static final class Cut extends IOException {
        private static final long serialVersionUID = 1L;

        private final long at;

        private Cut(long at, IOException cause) {
            super(cause);
            this.at = at;
        }
    }

    /** The whole file is asked for without a range, as a plain client would. */
    private static HttpRequest request(RemoteContent remote, long from, long to) {
        var get = HttpRequest.get(remote.url());
        return from == 0 && to == remote.bytes() ? get : get.header("Range", "bytes=" + from + "-" + (to - 1));
    }

    /** Writes what comes, and tells up to where it came. */
    private long read(
            RemoteContent remote,
            PartialFile partial,
            HttpStream answer,
            long from,
            long to,
            boolean alone,
            Transfers.Transfer transfer)
            throws IOException, InterruptedException {
        long skip = start(remote, answer, from, to, alone);
        var buffer = ByteBuffer.allocate((int) Math.min(BUFFER_BYTES, to));
        InputStream body = answer.body();
        long at = from;
        try {
            body.skipNBytes(skip);
        } catch (IOException e) {
            throw cut(at, e);
        }
        while (at < to) {
            int n;
            try {
                n = body.read(buffer.array(), 0, (int) Math.min(buffer.capacity(), to - at));
            } catch (IOException e) {
                throw cut(at, e);
            }
            if (n < 0) {
                return at;
            }
            partial.write(buffer.clear().limit(n), at);
            at += n;
            transfer.moved(n);
        }
        return at;
    }

    private static IOException cut(long at, IOException cause) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("downloading");
        }
        return new Cut(at, cause);
    }

    /** Checks that an answer is the range asked for, and tells how many bytes of it come too early. */
    private long start(RemoteContent remote, HttpStream answer, long from, long to, boolean alone) throws IOException {
        String encoding = answer.headers().value("Content-Encoding").orElse("identity");
        if (!encoding.equals("identity")) {
            throw new MalformedDataException(
                    remote.name(),
                    -1,
                    "came compressed (" + HubException.plain(encoding) + "), which was not asked for");
        }
        String range = answer.headers().value("Content-Range").orElse("");
        return switch (answer.status()) {
            case 200 -> {
                var length = answer.headers().number("Content-Length");
                if (length.isPresent() && length.getAsLong() != remote.bytes()) {
                    throw wrongSize(remote, length.getAsLong() + " bytes");
                }
                if (!alone) {
                    throw new NoRangesException();
                }
                yield from;
            }
            case 206 -> {
                String expected = "bytes " + from + "-" + (to - 1) + "/" + remote.bytes();
                if (!range.equals(expected)) {
                    throw wrongSize(remote, "the range " + HubException.plain(range) + ", asked for " + expected);
                }
                yield 0;
            }
            case 416 -> throw wrongSize(remote, "fewer bytes than " + to);
            default -> throw client.failure(HttpReply.of(answer, HubClient.MAX_ANSWER_BYTES));
        };
    }

    private static MalformedDataException wrongSize(RemoteContent remote, String found) {
        return new MalformedDataException(
                remote.name(), -1, "expected " + remote.bytes() + " bytes, storage has " + found);
    }
}
