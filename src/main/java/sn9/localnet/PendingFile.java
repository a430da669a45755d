package sn9.localnet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A file under a temporary name in the folder of its target, which takes its place whole and synced, or never. */
final class PendingFile implements AutoCloseable {
    private final Path temporary;
    private final FileChannel channel;

    private PendingFile(Path temporary, FileChannel channel) {
        this.temporary = temporary;
        this.channel = channel;
    }

    /** Begins a file in a folder, which is created when it is missing. */
    static PendingFile in(Path folder) throws IOException {
        Path temporary = Files.createTempFile(Files.createDirectories(folder), ".pending", ".tmp");
        return new PendingFile(temporary, FileChannel.open(temporary, StandardOpenOption.WRITE));
    }

    /** Writes a whole small file. */
    static void write(Path target, byte[] content) throws IOException {
        try (PendingFile file = in(target.toAbsolutePath().getParent())) {
            file.append(ByteBuffer.wrap(content));
            file.publish(target);
        }
    }

    /** Appends the rest of a buffer. */
    void append(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Syncs the content and gives it the name of the target, in the same folder, in place of what was there. */
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
