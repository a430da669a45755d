package sn9.localnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import sn9.files.FileTree;

/**
 * A file under a temporary name in the folder of its target, hashed as it is written, which takes its place whole and
 * synced, or never.
 */
final class PendingFile implements AutoCloseable {
    /** Names of such files, as a pattern. */
    static final String NAMES = ".pending*.tmp";

    private static final int BUFFER_BYTES = 256 << 10;

    private final Path temporary;
    private final FileChannel channel;
    private final MessageDigest digest = Hashes.sha256();
    private long bytes;
    private String sha256;

    private PendingFile(Path temporary, FileChannel channel) {
        this.temporary = temporary;
        this.channel = channel;
    }

    /** An empty file of a new temporary name, for nobody but its owner, in a folder that is created when it is missing. */
    static Path newFile(Path folder) throws IOException {
        return Files.createTempFile(FileTree.create(folder), ".pending", ".tmp");
    }

    /** Begins a file in a folder, which is created when it is missing. */
    static PendingFile in(Path folder) throws IOException {
        Path temporary = newFile(folder);
        return new PendingFile(temporary, FileChannel.open(temporary, StandardOpenOption.WRITE));
    }

    /** Writes a whole small file. */
    static void write(Path target, byte[] content) throws IOException {
        try (PendingFile file = in(target.toAbsolutePath().getParent())) {
            file.append(content, content.length);
            file.publish(target);
        }
    }

    /** Appends the first {@code length} bytes of an array. */
    void append(byte[] content, int length) throws IOException {
        digest.update(content, 0, length);
        ByteBuffer rest = ByteBuffer.wrap(content, 0, length);
        while (rest.hasRemaining()) {
            channel.write(rest);
        }
        bytes += length;
    }

    /**
     * Appends what a stream brings, until it ends or there are more than {@code maxBytes} here, by at most one buffer.
     *
     * @throws InterruptedException when the thread was interrupted meanwhile
     */
    void copy(InputStream in, long maxBytes) throws IOException, InterruptedException {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int n = in.read(buffer); n >= 0 && bytes <= maxBytes; n = in.read(buffer)) {
            if (Thread.interrupted()) {
                throw new InterruptedException("copying a file of the local hub");
            }
            append(buffer, n);
        }
    }

    /** Bytes written so far. */
    long bytes() {
        return bytes;
    }

    /** SHA-256 of all of them, in hexadecimal; nothing may be appended afterwards. */
    String sha256() {
        if (sha256 == null) {
            sha256 = HexFormat.of().formatHex(digest.digest());
        }
        return sha256;
    }

    /** Syncs the content and gives it the name of the target, in the same file system, in place of what was there. */
    void publish(Path target) throws IOException {
        channel.force(true);
        channel.close();
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel folder = FileChannel.open(target.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }

    /** Removes the temporary file, unless it was published. */
    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(temporary);
    }
}
