package sn9.validator;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.files.FileTree;
import sn9.subnet.ModelId;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RemoteModelStore.RemoteFile;

/**
 * The downloaded models on disk: {@code <root>/models/<hotkey>/<namespace>--<name>/<commit>/}. A model is fetched into
 * {@code <root>/incoming}, judged there, and moved into place whole, so a directory in place is a complete one. Files of
 * the same content are one file ({@link BlobFolder}): a copier's model costs neither transfer nor disk. Safe to call from
 * any thread.
 */
public final class LocalModelStore {
    private static final Logger LOG = LoggerFactory.getLogger(LocalModelStore.class);

    /** One step of a path: no separator, no way up. Names on chain are anybody's text. */
    private static final Pattern SEGMENT = Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._-]{1,96}");

    private final Path models;
    private final Path incoming;
    private final BlobFolder blobs;
    private final long quotaBytes;
    private final Duration grace;
    private final InstantSource clock;
    private final Map<Path, Integer> used = new HashMap<>();
    private final Set<Path> arriving = ConcurrentHashMap.newKeySet();
    private long reservedBytes;

    /**
     * A store in a folder, which is made when missing.
     *
     * @param quotaBytes what all models together, those on their way included, may take
     * @param grace how long a model that nobody needs is kept
     */
    public LocalModelStore(Path root, long quotaBytes, Duration grace, InstantSource clock) {
        this.models = root.resolve("models");
        this.incoming = root.resolve("incoming");
        this.blobs = new BlobFolder(root.resolve("blobs"));
        this.quotaBytes = quotaBytes;
        this.grace = grace;
        this.clock = clock;
    }

    /** The disk cannot take a model within the quota: our trouble, not the miner's. */
    public static final class QuotaException extends IOException {
        private static final long serialVersionUID = 1L;

        private QuotaException(String message) {
            super(message);
        }
    }

    /** Where a hotkey's model lies, or would lie. */
    public Path directory(String hotkey, ModelId id) {
        return models.resolve(segment("hotkey", hotkey))
                .resolve(segment("repository", id.namespace() + "--" + id.name()))
                .resolve(segment("commit", id.commit()));
    }

    /** Whether a hotkey's model is there. */
    public boolean holds(String hotkey, ModelId id) {
        return Files.isDirectory(directory(hotkey, id));
    }

    /**
     * Fetches files of a model to a place of their own. Closing the result deletes them unless {@link Incoming#keep} has
     * moved them to {@link #directory}.
     *
     * @param files those to fetch, with the sizes the remote names; a longer one is cut off as a failure
     * @throws QuotaException when they do not fit into the quota
     * @throws IOException when the remote or the disk fails
     */
    public Incoming fetch(RemoteModelStore remote, String hotkey, ModelId id, List<RemoteFile> files)
            throws IOException, InterruptedException {
        Path target = directory(hotkey, id);
        long bytes = 0;
        for (var file : files) {
            boolean here =
                    file.sha256().isPresent() && blobs.holds(file.sha256().get(), file.bytes());
            bytes = Math.addExact(bytes, here ? 0 : file.bytes());
        }
        reserve(id, bytes);
        Path place = null;
        try {
            Files.createDirectories(incoming);
            place = Files.createTempDirectory(incoming, id.commit() + "-");
            arriving.add(place);
            for (var file : files) {
                Path path = place;
                for (String part : file.path().split("/", -1)) {
                    path = path.resolve(segment("file", part));
                }
                Files.createDirectories(path.getParent());
                if (file.sha256().isEmpty() || !blobs.take(file.sha256().get(), path)) {
                    remote.download(id.repoId(), id.commit(), file.path(), path, file.bytes());
                }
            }
            return new Incoming(place, target, bytes);
        } catch (IOException | InterruptedException | RuntimeException e) {
            release(bytes);
            if (place != null) {
                FileTree.delete(place);
                arriving.remove(place);
            }
            throw e;
        }
    }

    /** Files that have arrived and wait to be judged. */
    public final class Incoming implements AutoCloseable {
        private final Path place;
        private final Path target;
        private final long bytes;
        private boolean open = true;

        private Incoming(Path place, Path target, long bytes) {
            this.place = place;
            this.target = target;
            this.bytes = bytes;
        }

        /** Where the files lie. */
        public Path path() {
            return place;
        }

        /** Moves the files to the model's directory, on the disk for good before this returns. */
        public Path keep() throws IOException {
            try (var files = Files.walk(place)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
                        channel.force(true);
                    }
                    blobs.share(file);
                }
            }
            Files.createDirectories(target.getParent());
            if (Files.exists(target)) {
                discard(target);
            }
            Files.move(place, target, StandardCopyOption.ATOMIC_MOVE);
            try (var parent = FileChannel.open(target.getParent(), StandardOpenOption.READ)) {
                parent.force(true);
            }
            return target;
        }

        @Override
        public void close() throws IOException {
            if (open) {
                open = false;
                release(bytes);
                FileTree.delete(place);
                arriving.remove(place);
            }
        }
    }

    /** Keeps {@link #clean} away from directories until closed. */
    public Use use(Collection<Path> directories) {
        return new Use(List.copyOf(directories));
    }

    /** Directories that somebody reads. */
    public final class Use implements AutoCloseable {
        private final List<Path> directories;

        private Use(List<Path> directories) {
            this.directories = directories;
            synchronized (used) {
                directories.forEach(directory -> used.merge(directory, 1, Integer::sum));
            }
        }

        @Override
        public void close() {
            synchronized (used) {
                directories.forEach(directory -> used.computeIfPresent(directory, (d, n) -> n == 1 ? null : n - 1));
            }
        }
    }

    /** Deletes a model at once, for instance because its bytes have changed since it was judged. */
    public void discard(Path directory) throws IOException {
        if (!directory.startsWith(models) || !Files.exists(directory)) {
            return;
        }
        Files.createDirectories(incoming);
        Path doomed = Files.createTempDirectory(incoming, "discarded-");
        Files.move(directory, doomed.resolve("model"), StandardCopyOption.ATOMIC_MOVE);
        FileTree.delete(doomed);
    }

    /**
     * Deletes every model that is neither kept nor in use and has not changed for the grace period, and what a killed
     * process left half-fetched. What cannot be deleted is logged and left for the next time.
     *
     * @return how many models were deleted
     */
    public int clean(Collection<Path> keep) throws IOException {
        return clean(keep, clock.instant().minus(grace));
    }

    /** As {@link #clean(Collection)}, without a grace period: the quota needs room now. */
    public int cleanNow(Collection<Path> keep) throws IOException {
        return clean(keep, Instant.MAX);
    }

    private int clean(Collection<Path> keep, Instant untouchedSince) throws IOException {
        var kept = new HashSet<>(keep);
        synchronized (used) {
            kept.addAll(used.keySet());
        }
        int deleted = 0;
        for (Path hotkey : FileTree.children(models)) {
            for (Path repository : FileTree.children(hotkey)) {
                for (Path commit : FileTree.children(repository)) {
                    if (!kept.contains(commit) && !FileTree.newest(commit).isAfter(untouchedSince)) {
                        deleted += tryDiscard(commit) ? 1 : 0;
                    }
                }
                deleteIfEmpty(repository);
            }
            deleteIfEmpty(hotkey);
        }
        blobs.sweep();
        Instant abandoned = clock.instant().minus(grace.plusHours(1));
        for (Path leftover : FileTree.children(incoming)) {
            if (!arriving.contains(leftover) && FileTree.newest(leftover).isBefore(abandoned)) {
                FileTree.delete(leftover);
            }
        }
        return deleted;
    }

    /** Bytes that all models in place take on the disk. */
    public long bytes() throws IOException {
        return FileTree.size(models);
    }

    private synchronized void reserve(ModelId id, long bytes) throws IOException {
        long taken = bytes() + reservedBytes;
        if (taken + bytes > quotaBytes) {
            throw new QuotaException(id.repoId() + " needs " + bytes + " bytes and " + taken + " of the disk quota of "
                    + quotaBytes + " are taken; raise --disk_quota_gb");
        }
        reservedBytes += bytes;
    }

    private synchronized void release(long bytes) {
        reservedBytes -= bytes;
    }

    private boolean tryDiscard(Path commit) {
        try {
            discard(commit);
            LOG.info("event=model_deleted path={}", commit);
            return true;
        } catch (IOException e) {
            LOG.warn("event=model_not_deleted path={} reason=\"{}\"", commit, e.toString());
            return false;
        }
    }

    private static String segment(String what, String text) {
        if (!SEGMENT.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    what + " '" + text + "' cannot name a folder or file: expected letters, digits, '.', '_', '-'");
        }
        return text;
    }

    private static void deleteIfEmpty(Path directory) throws IOException {
        try {
            Files.deleteIfExists(directory);
        } catch (DirectoryNotEmptyException e) {
            LOG.trace("kept {}", directory, e);
        }
    }
}
