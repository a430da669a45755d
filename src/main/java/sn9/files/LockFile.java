package sn9.files;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A file with at most one owner, threads and processes alike; whoever comes second waits. The kernel ends what a killed
 * process owned. It ends a process's lock as well when the process closes any other descriptor of the file (fcntl(2)), so
 * threads are kept apart before the file is opened, and nothing else may open it meanwhile:
 * {@link Files#setLastModifiedTime} would.
 */
public final class LockFile implements Closeable {
    private static final long POLL_MILLIS = 10;

    private static final Set<Path> OWNED = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final FileChannel channel;

    private LockFile(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /** Waits until a file is ours; it is made when missing, its folder must be there. */
    public static LockFile take(Path file) throws IOException, InterruptedException {
        while (true) {
            var lock = tryTake(file);
            if (lock.isPresent()) {
                return lock.get();
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    /** As {@link #take}, but does not wait: nothing where the file is somebody else's. */
    public static Optional<LockFile> tryTake(Path file) throws IOException {
        Path path = file.getParent().toRealPath().resolve(file.getFileName());
        if (!OWNED.add(path)) {
            return Optional.empty();
        }
        var channel = Optional.<FileChannel>empty();
        try {
            channel = locked(path);
        } finally {
            if (channel.isEmpty()) {
                OWNED.remove(path);
            }
        }
        return channel.map(lock -> new LockFile(path, lock));
    }

    /** A locked channel of the file that has this name, which may be another one than when it was opened. */
    private static Optional<FileChannel> locked(Path path) throws IOException {
        try {
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                open(path, StandardOpenOption.CREATE).close();
            }
            Object key = key(path);
            FileChannel channel = open(path, StandardOpenOption.READ);
            boolean ours = false;
            try {
                ours = channel.tryLock() != null && Objects.equals(key, key(path));
                if (ours) {
                    channel.write(ByteBuffer.allocate(1)); // its time tells when it was last owned
                }
            } finally {
                if (!ours) {
                    channel.close();
                }
            }
            return ours ? Optional.of(channel) : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty(); // its owner deleted it just now
        }
    }

    private static FileChannel open(Path path, StandardOpenOption option) throws IOException {
        return FileChannel.open(path, option, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    }

    private static Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /** Removes the file, which is ours until closed; who waits for it will make a new one. */
    public void delete() throws IOException {
        Files.deleteIfExists(path);
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            OWNED.remove(path);
        }
    }
}
