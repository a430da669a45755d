package sn9.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Files that are either as they were or wholly new, also after a crash or on a full disk. */
public final class AtomicFiles {
    private AtomicFiles() {}

    /** Writes a file's content to a channel at its start. */
    interface Content {
        /** Writes everything; may throw half way, which leaves the target as it was. */
        void writeTo(FileChannel channel) throws IOException;
    }

    /**
     * Writes a file under a temporary name in the same folder, syncs it, renames it to its own and syncs the folder.
     *
     * @throws IOException naming the file when writing failed; the file is then as it was before and no temporary one
     *     is left
     */
    static void write(Path file, Content content) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Path temporary = folder.resolve("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            try (FileChannel channel =
                    FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                content.writeTo(channel);
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            String kind = e instanceof FileSystemException ? e.getClass().getSimpleName() + " " : "";
            throw new IOException("cannot write " + file + ", which stays as it was: " + kind + e.getMessage(), e);
        } finally {
            Files.deleteIfExists(temporary);
        }
        sync(folder);
    }

    /** As {@link #write(Path, Content)}, for bytes at hand. */
    public static void write(Path file, byte[] bytes) throws IOException {
        write(file, channel -> writeFully(channel, ByteBuffer.wrap(bytes)));
    }

    /** Writes all that remains in a buffer; a channel may take it in parts. */
    static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Makes a file's bytes, or the names in a folder, survive a crash. */
    static void sync(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
