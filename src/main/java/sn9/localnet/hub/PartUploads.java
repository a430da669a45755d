package sn9.localnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32C;
import sn9.files.FileTree;

/**
 * Files that arrive in parts: {@code uploads/<id>} of their repository holds the parts at their places. It becomes a
 * content only when its hash is right, so an upload goes on after a restart, and whatever was lost shows.
 */
final class PartUploads {
    private static final int BUFFER_BYTES = 256 << 10;

    private final long partBytes;
    private final InstantSource clock;
    private final Map<String, PartHashes> hashes = new ConcurrentHashMap<>(); // those of abandoned uploads stay: small

    /**
     * Of one server.
     *
     * @param partBytes of each part but a file's last
     */
    PartUploads(long partBytes, InstantSource clock) {
        this.partBytes = partBytes;
        this.clock = clock;
    }

    /** The content that an upload is to become. */
    record Target(HubRepository repository, String oid, long bytes) {}

    long partBytes() {
        return partBytes;
    }

    /** Begins an upload, and ends those of the repository that nobody can go on with; the id is for its addresses. */
    String begin(HubRepository repository) throws IOException {
        repository.deleteUnfinished(clock.instant().minus(SignedAddresses.LIFETIME.multipliedBy(2)));
        return PendingFile.newFile(repository.uploads()).getFileName().toString();
    }

    /** Bytes of a part, from 0. */
    long bytesOf(Target target, int part) {
        return Math.min(partBytes, target.bytes() - part * partBytes);
    }

    /**
     * Writes a part.
     *
     * @return its check, for its ETag
     * @throws HubRefusal 404 when the upload has ended
     */
    String write(Target target, String id, int part, InputStream in) throws IOException {
        var crc = new CRC32C();
        PartHashes hash = hashes(target, id);
        boolean whole = false;
        hash.begin(part);
        try (FileChannel channel =
                FileChannel.open(target.repository().uploads().resolve(id), StandardOpenOption.WRITE)) {
            copy(in, channel, part * partBytes, bytesOf(target, part), crc);
            whole = true;
        } catch (NoSuchFileException e) {
            hashes.remove(id);
            throw ended();
        } finally {
            hash.end(part, whole);
        }
        return PartHashes.check(crc);
    }

    static HubRefusal ended() {
        return new HubRefusal(404, "NoSuchUpload: the upload was completed or has expired");
    }

    private static void copy(InputStream in, FileChannel channel, long at, long bytes, CRC32C crc) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (long left = bytes; left > 0; ) {
            int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (n < 0) {
                throw new IOException("the body ended " + left + " bytes early");
            }
            crc.update(buffer, 0, n);
            for (ByteBuffer rest = ByteBuffer.wrap(buffer, 0, n); rest.hasRemaining(); ) {
                at += channel.write(rest, at);
            }
            left -= n;
        }
    }

    /**
     * Makes a content of an upload whose parts are all there. Asked again, it answers again.
     *
     * @param checks the ETags of the parts, without quotes
     * @throws HubRefusal 400 when a part is not what its ETag says, which leaves the upload open, or when the whole has
     *     another hash, which ends it; 404 when the upload has ended
     */
    void complete(Target target, String id, List<String> checks) throws IOException, InterruptedException {
        Path file = target.repository().uploads().resolve(id);
        if (!Files.exists(file)) {
            if (target.repository().hasBlob(target.oid(), target.bytes())) {
                return;
            }
            throw ended();
        }
        if (checks.size() != PartHashes.count(target.bytes(), partBytes)) {
            throw HubRefusal.badRequest(
                    "expected " + PartHashes.count(target.bytes(), partBytes) + " parts, found " + checks.size());
        }
        PartHashes hash = hashes(target, id);
        var result = hash.finish();
        for (int part = 0; part < checks.size(); part++) {
            if (!checks.get(part).equals(result.checks().get(part))) {
                hash.reopen();
                throw HubRefusal.badRequest("InvalidPart: part " + (part + 1) + " has the ETag \""
                        + result.checks().get(part) + "\", not \"" + checks.get(part) + "\"; upload it again");
            }
        }
        if (!result.sha256().equals(target.oid())) {
            Files.deleteIfExists(file);
            throw HubRefusal.badRequest("expected content of SHA-256 " + target.oid() + ", found " + result.sha256());
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(
                file,
                FileTree.create(target.repository().blob(target.oid()).getParent())
                        .resolve(target.oid()),
                StandardCopyOption.ATOMIC_MOVE);
    }

    private PartHashes hashes(Target target, String id) {
        return hashes.computeIfAbsent(
                id, _ -> new PartHashes(target.repository().uploads().resolve(id), target.bytes(), partBytes));
    }
}
