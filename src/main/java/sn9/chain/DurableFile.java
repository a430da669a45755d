package sn9.chain;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import sn9.files.AtomicFiles;

/** A small file that is either as it was or wholly new, also after a crash, and that one process at a time changes. */
final class DurableFile {
    /** Ours are a few kilobytes. */
    private static final long MAX_BYTES = 1 << 20;

    private static final Duration LOCK_POLL = Duration.ofMillis(50);

    /**
     * Locks of this process. A thread that waits must not even open the file: closing any descriptor of it ends the lock of
     * the whole process (fcntl(2)).
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

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
        Path folder = Files.createDirectories(file.toAbsolutePath().getParent()).toRealPath();
        Path lock = folder.resolve(file.getFileName() + ".lock");
        while (!HELD.add(lock)) {
            await(limit, lock);
        }
        FileChannel channel = null;
        try {
            channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            while (channel.tryLock() == null) {
                await(limit, lock);
            }
            return new Lock(lock, channel);
        } catch (IOException | InterruptedException e) {
            new Lock(lock, channel).close();
            throw e;
        }
    }

    private void await(Deadline limit, Path lock) throws ChainException, InterruptedException {
        if (limit.isOver()) {
            throw new ChainException(lock + " is held by somebody else who is at work on " + file, true);
        }
        Thread.sleep(LOCK_POLL);
    }

    /** A lock that is held; {@code channel} is null where the file could not be opened. */
    private record Lock(Path path, FileChannel channel) implements Closeable {
        @Override
        public void close() throws IOException {
            try {
                if (channel != null) {
                    channel.close();
                }
            } finally {
                HELD.remove(path);
            }
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
