package sn9.hub;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.BitSet;
import java.util.UUID;
import sn9.files.LockFile;

/**
 * A file that arrives in chunks, in any order, and the note of which are there: {@code <content>.partial} and
 * {@code <content>.chunks}. A chunk is noted once its bytes are written, so a killed program goes on with the rest. One
 * owner at a time, threads and processes alike: whoever comes second waits.
 */
final class PartialFile implements Closeable {
    private final Path file;
    private final Path notes;
    private final FileChannel data;
    private final FileChannel noted;
    private final LockFile lock;
    private final BitSet done = new BitSet();

    private PartialFile(Path file, Path notes, FileChannel data, FileChannel noted, LockFile lock) {
        this.file = file;
        this.notes = notes;
        this.data = data;
        this.noted = noted;
        this.lock = lock;
    }

    /**
     * Opens what is there of a content, or begins it. The folder must be there.
     *
     * @param chunks how many there are in all
     */
    static PartialFile open(Path folder, ContentId content, int chunks) throws IOException, InterruptedException {
        LockFile lock = LockFile.take(lockOf(folder, content.hex()));
        try {
            Path file = folder.resolve(content.hex() + ".partial");
            Path notes = folder.resolve(content.hex() + ".chunks");
            var partial = new PartialFile(file, notes, openOwn(file), openOwn(notes), lock);
            partial.readNotes(chunks);
            return partial;
        } catch (IOException e) {
            lock.close();
            throw e;
        }
    }

    /** How far a content has come, at most. */
    static long bytes(Path folder, ContentId content) throws IOException {
        Path file = folder.resolve(content.hex() + ".partial");
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) ? Files.size(file) : 0;
    }

    /** Deletes what nobody has gone on with since some time; what somebody has open stays, whatever the clocks say. */
    static void sweep(Path folder, Instant since) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (var files = Files.newDirectoryStream(folder, "*.{lock,partial,chunks}")) {
            for (Path file : files) {
                String name = file.getFileName().toString().replaceFirst("\\.[a-z]+$", "");
                if (isBefore(file, since) && isBefore(lockOf(folder, name), since)) {
                    delete(folder, name);
                }
            }
        }
    }

    private static void delete(Path folder, String name) throws IOException {
        var taken = LockFile.tryTake(lockOf(folder, name));
        if (taken.isPresent()) {
            try (var lock = taken.get()) {
                Files.deleteIfExists(folder.resolve(name + ".partial"));
                Files.deleteIfExists(folder.resolve(name + ".chunks"));
                lock.delete();
            }
        }
    }

    private static Path lockOf(Path folder, String name) {
        return folder.resolve(name + ".lock");
    }

    private static boolean isBefore(Path file, Instant time) throws IOException {
        return !Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                || Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS)
                        .toInstant()
                        .isBefore(time);
    }

    private static FileChannel openOwn(Path path) throws IOException {
        return FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
    }

    private void readNotes(int chunks) throws IOException {
        var text = ByteBuffer.allocate((int) Math.min(noted.size(), 12L * chunks));
        while (text.hasRemaining() && noted.read(text, text.position()) > 0) {
            // a channel may give it in parts
        }
        String lines = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII);
        int end = lines.lastIndexOf('\n') + 1; // what follows was cut off while it was written
        for (String line : lines.substring(0, end).split("\n")) {
            if (line.matches("[0-9]{1,9}") && Integer.parseInt(line) < chunks) {
                done.set(Integer.parseInt(line));
            }
        }
        noted.truncate(end).position(end);
    }

    /** Whether a chunk is there, as far as the notes say; only the content's hash proves it. */
    synchronized boolean has(int chunk) {
        return done.get(chunk);
    }

    /**
     * Writes bytes at their place.
     *
     * @throws IOException when the disk takes no more; what is noted stays
     */
    void write(ByteBuffer bytes, long offset) throws IOException {
        try {
            for (long at = offset; bytes.hasRemaining(); ) {
                at += data.write(bytes, at);
            }
        } catch (ClosedChannelException e) {
            throw e; // another range has failed
        } catch (IOException e) {
            throw new IOException(
                    "cannot write " + file + ": " + e.getMessage()
                            + "; make room and run it again, what has arrived is kept",
                    e);
        }
    }

    /** Notes that all bytes of a chunk are written. */
    synchronized void finish(int chunk) throws IOException {
        done.set(chunk);
        append(chunk + "\n");
    }

    /** Forgets everything: what is there is not the content. */
    synchronized void restart() throws IOException {
        done.clear();
        noted.truncate(0);
        data.truncate(0);
    }

    /** Deletes everything: nobody needs it. */
    void discard() throws IOException {
        Files.deleteIfExists(file);
        Files.deleteIfExists(notes);
    }

    /** Where the bytes are, to be hashed. */
    Path path() {
        return file;
    }

    /** Cuts off or fills up to the true size. */
    void resize(long bytes) throws IOException {
        data.truncate(bytes);
    }

    /** Moves the whole file to its place, on the disk for good, and removes the notes. */
    void publish(Path target) throws IOException {
        data.force(true);
        try {
            Files.move(file, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) { // another file system
            Path beside = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
            try {
                Files.copy(file, beside);
                try (var channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
                Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(beside);
            }
            Files.delete(file);
        }
        Files.deleteIfExists(notes);
    }

    @Override
    public void close() throws IOException {
        try (lock;
                noted) {
            data.close();
        }
    }

    private void append(String text) throws IOException {
        var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
        while (bytes.hasRemaining()) {
            noted.write(bytes);
        }
    }
}
