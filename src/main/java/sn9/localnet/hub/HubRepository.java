package sn9.localnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.files.FileTree;
import sn9.files.LockFile;
import sn9.subnet.RepoId;

/**
 * One repository of the local Hub: a folder with {@code blobs/<sha256>}, {@code commits/<commit>.json} (a
 * {@link HubManifest}) and {@code refs/main}, the latest commit. Files appear whole or not at all and never change, and
 * whoever moves {@code refs/main} holds the lock of the file {@code lock}, so any number of threads and processes may
 * use one folder at once. An empty file {@code private} makes it private; {@code uploads} holds what is on its way.
 */
final class HubRepository {
    private final RepoId id;
    private final Path folder;

    HubRepository(RepoId id, Path folder) {
        this.id = id;
        this.folder = folder;
    }

    /** What a new commit holds, seen from the one before. */
    @FunctionalInterface
    interface Change {
        /**
         * The new content.
         *
         * @param head the latest commit
         * @param files what it holds, nothing where there is no commit yet
         * @throws HubRefusal when the change does not fit
         */
        HubManifest apply(Optional<String> head, Optional<HubManifest> files) throws IOException;
    }

    RepoId id() {
        return id;
    }

    /** Whether it has a commit: it exists from its first one on. */
    boolean exists() {
        return Files.exists(headFile());
    }

    boolean isPrivate() {
        return Files.exists(folder.resolve("private"));
    }

    void setPrivate(boolean hidden) throws IOException {
        Path mark = folder.resolve("private");
        if (hidden) {
            PendingFile.write(mark, new byte[0]);
        } else {
            Files.deleteIfExists(mark);
        }
    }

    /** The latest commit, empty when there is no such repository. */
    Optional<String> head() throws IOException {
        byte[] text;
        try {
            text = readBounded(headFile(), 41);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        String commit = new String(text, StandardCharsets.US_ASCII).strip();
        if (!HubManifest.isCommit(commit)) {
            throw new MalformedDataException(headFile().toString(), 0, "expected a commit of 40 hexadecimal digits");
        }
        return Optional.of(commit);
    }

    /** Whether there is such a commit. */
    boolean holds(String commit) {
        return HubManifest.isCommit(commit) && Files.isRegularFile(commitFile(commit));
    }

    /**
     * What a commit holds.
     *
     * @throws RemoteCallException when the repository or the commit does not exist
     * @throws MalformedDataException when its file is damaged
     */
    HubManifest manifest(String commit) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new RemoteCallException("local hub: there is no repository " + id, false);
        }
        if (!holds(commit)) {
            throw new RemoteCallException("local hub: " + id + " has no commit " + commit, false);
        }
        Path file = commitFile(commit);
        byte[] json = readBounded(file, HubManifest.MAX_BYTES);
        String found = HubManifest.commitOf(json);
        if (!found.equals(commit)) {
            throw new MalformedDataException(
                    file.toString(), -1, "expected content of SHA-1 " + commit + ", found " + found);
        }
        HubManifest manifest = HubManifest.parse(file.toString(), json);
        if (!manifest.repoId().equals(id.toString())) {
            throw new MalformedDataException(
                    file.toString(), -1, "expected a commit of " + id + ", found one of " + manifest.repoId());
        }
        return manifest;
    }

    /** When a commit was made: by its note, else when it was written. */
    Instant date(String commit, HubManifest manifest) throws IOException {
        return manifest.note().isPresent()
                ? manifest.note().get().date()
                : Files.getLastModifiedTime(commitFile(commit)).toInstant();
    }

    /**
     * Makes a commit, alone at it in all processes. A change that changes no file makes none.
     *
     * @return the latest commit afterwards
     * @throws HubRefusal when the repository was deleted meanwhile, and as the change throws it
     * @throws IOException when the list of files is too long, or the disk failed
     */
    String commit(Change change) throws IOException, InterruptedException {
        try (LockFile _ = createAndLock()) {
            Optional<String> head = head();
            Optional<HubManifest> before = head.isPresent() ? Optional.of(manifest(head.get())) : Optional.empty();
            HubManifest after = change.apply(head, before);
            if (before.isPresent() && before.get().files().equals(after.files())) {
                return head.get();
            }
            byte[] json = after.toJson();
            if (json.length > HubManifest.MAX_BYTES) {
                throw new IOException("the list of files of " + id + " takes " + json.length
                        + " bytes, expected at most " + HubManifest.MAX_BYTES);
            }
            for (HubManifest.Entry file : after.files()) {
                if (!hasBlob(file.sha256(), file.bytes())) {
                    throw HubRefusal.repoNotFound(false); // deleted since the content came
                }
            }
            String commit = HubManifest.commitOf(json);
            PendingFile.write(commitFile(commit), json);
            PendingFile.write(headFile(), (commit + "\n").getBytes(StandardCharsets.US_ASCII));
            return commit;
        }
    }

    private LockFile createAndLock() throws IOException, InterruptedException {
        while (true) {
            try {
                FileTree.create(folder);
                return lock();
            } catch (NoSuchFileException e) {
                // Deleted in between: created once more.
            }
        }
    }

    /** Takes the repository out of its place, between two commits. */
    void moveTo(Path elsewhere) throws IOException, InterruptedException {
        try (LockFile _ = lock()) {
            Files.move(folder, elsewhere, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            throw HubRefusal.repoNotFound(false); // somebody else was faster
        }
    }

    /**
     * Makes the repository ours until closed. The file is looked at again once it is locked: a lock that came with a folder
     * which was deleted meanwhile keeps nobody from the one in its place.
     */
    private LockFile lock() throws IOException, InterruptedException {
        return LockFile.take(folder.resolve("lock"));
    }

    /** The content of that hash, which need not be there. */
    Path blob(String sha256) {
        return blobs().resolve(sha256);
    }

    /** Whether the content of that hash is there, whole. */
    boolean hasBlob(String sha256, long bytes) throws IOException {
        Path blob = blob(sha256);
        return Files.isRegularFile(blob) && Files.size(blob) == bytes;
    }

    /** Begins a content whose hash is yet to be known. */
    PendingFile newBlob() throws IOException {
        return PendingFile.in(blobs());
    }

    /** Gives a content its place, unless it is there already. */
    void publish(PendingFile content) throws IOException {
        if (!hasBlob(content.sha256(), content.bytes())) {
            content.publish(blob(content.sha256()));
        }
    }

    /** Deletes what was begun before an instant and never became a content: nobody goes on with it. */
    void deleteUnfinished(Instant begunBefore) throws IOException {
        for (Path unfinished : List.of(uploads(), blobs())) {
            try (DirectoryStream<Path> files =
                    Files.newDirectoryStream(FileTree.create(unfinished), PendingFile.NAMES)) {
                for (Path file : files) {
                    if (Files.getLastModifiedTime(file).toInstant().isBefore(begunBefore)) {
                        Files.deleteIfExists(file);
                    }
                }
            } catch (NoSuchFileException e) {
                // Another server has deleted it.
            }
        }
    }

    /** Folder of uploads in parts. */
    Path uploads() {
        return folder.resolve("uploads");
    }

    private static byte[] readBounded(Path file, int maxBytes) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(maxBytes + 1);
            if (bytes.length > maxBytes) {
                throw new MalformedDataException(
                        file.toString(), maxBytes, "expected at most " + maxBytes + " bytes, found more");
            }
            return bytes;
        }
    }

    private Path blobs() {
        return folder.resolve("blobs");
    }

    private Path commitFile(String commit) {
        return folder.resolve("commits").resolve(commit + ".json");
    }

    private Path headFile() {
        return folder.resolve("refs").resolve("main");
    }
}
