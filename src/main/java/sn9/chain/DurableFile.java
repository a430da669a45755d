package sn9.chain;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import sn9.files.AtomicFiles;
import sn9.files.LockFile;

/** A small file that is either as it was or wholly new, also after a crash, and that one process at a time changes. */
final class DurableFile {
    /** Ours are a few kilobytes. */
    private static final long MAX_BYTES = 1 << 20;

    private static final Duration LOCK_POLL = Duration.ofMillis(50);

    private final Path file;

    DurableFile(Path file) {
        this.file = file;
    }

    Path path() {
        return file;
    }

    /**
     * Holds the file until closed, against other processes and against other threads of this one; waits for them. Its
     * folder is made when missing.
     *
     * @throws ChainException retryable, when somebody else holds it for longer than the limit
     */
    Closeable lock(Deadline limit) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
        Path lock = folder.resolve(file.getFileName() + ".lock");
        while (true) {
            var taken = LockFile.tryTake(lock);
            if (taken.isPresent()) {
                return taken.get();
            }
            if (limit.isOver()) {
                throw new ChainException(lock + " is held by somebody else who is at work on " + file, true);
            }
            Thread.sleep(LOCK_POLL);
        }
    }

    /** The content, if the file is there. */
    Optional<byte[]> read() throws IOException {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException(file + " has more than " + MAX_BYTES + " bytes; it is not ours");
            }
            return Optional.of(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Replaces the content; returns once it is on the disk. */
    void write(byte[] bytes) throws IOException {
        AtomicFiles.writePrivate(file, bytes, true);
    }

    /** Removes the file; returns once that is on the disk. */
    void delete() throws IOException {
        AtomicFiles.delete(file);
    }
}
