package sn9.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/** Files that are either as they were or wholly new, also after a crash or on a full disk. */
public final class AtomicFiles {
    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private AtomicFiles() {}

    /** Writes a file's content to a channel at its start. */
    public interface Content {
        /** Writes everything; may throw half way, which leaves the target as it was. */
        void writeTo(FileChannel channel) throws IOException;
    }

    /**
     * Writes a file under a temporary name in the same folder, syncs it, renames it to its own and syncs the folder.
     *
     * @throws IOException naming the file when writing failed; the file is then as it was before and no temporary one
     *     is left
     */
    public static void write(Path file, Content content) throws IOException {
        write(file, content, true);
    }

    /** As {@link #write(Path, Content)}, for bytes at hand. */
    public static void write(Path file, byte[] bytes) throws IOException {
        write(file, channel -> writeFully(channel, ByteBuffer.wrap(bytes)));
    }

    /**
     * As {@link #write(Path, byte[])}, of a file that nobody but its owner can ever read: of mode 0600 from its birth.
     *
     * @param overwrite whether a file that is there is replaced
     * @throws FileAlreadyExistsException when it is there and {@code overwrite} is false
     */
    public static void writePrivate(Path file, byte[] bytes, boolean overwrite) throws IOException {
        write(file, channel -> writeFully(channel, ByteBuffer.wrap(bytes)), overwrite, OWNER_ONLY);
    }

    /** Removes a file, if it is there; returns once that is on the disk. */
    public static void delete(Path file) throws IOException {
        if (Files.deleteIfExists(file)) {
            sync(file.toAbsolutePath().getParent());
        }
    }

    /** Writes all that remains in a buffer; a channel may take it in parts. */
    public static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Makes a file's bytes, or the names in a folder, survive a crash. */
    public static void sync(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void write(Path file, Content content, boolean overwrite, FileAttribute<?>... attributes)
            throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Path temporary = folder.resolve("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            var options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            try (FileChannel channel = FileChannel.open(temporary, options, attributes)) {
                content.writeTo(channel);
                channel.force(true);
            }
            if (overwrite) {
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } else {
                Files.createLink(file, temporary); // a move would replace what another process has just written
            }
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (IOException e) {
            String kind = e instanceof FileSystemException ? e.getClass().getSimpleName() + " " : "";
            throw new IOException("cannot write " + file + ", which stays as it was: " + kind + e.getMessage(), e);
        } finally {
            Files.deleteIfExists(temporary);
        }
        sync(folder);
    }
}
