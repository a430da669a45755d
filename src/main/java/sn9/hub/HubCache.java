package sn9.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import sn9.subnet.RepoFilePath;
import sn9.subnet.RepoId;

/**
 * The cache that Hugging Face's tools share (spec/hub.md 2): per repository {@code blobs/<content>},
 * {@code snapshots/<commit>/<path>} as relative links into it, and {@code refs/<branch>}. Every file appears by renaming, so
 * any number of programs may use one cache. A name from outside never leads out of it.
 */
final class HubCache {
    private final Path root;

    HubCache(Path root) {
        this.root = root;
    }

    /** The blob of a content. */
    Path blob(RepoId repo, ContentId content) {
        return repository(repo).resolve("blobs").resolve(content.hex());
    }

    /** The folder of a commit. */
    Path snapshot(RepoId repo, String commit) {
        if (!HubRepos.isCommit(commit)) {
            throw new IllegalArgumentException("\"" + HubException.plain(commit) + "\" is no commit");
        }
        return repository(repo).resolve("snapshots").resolve(commit);
    }

    /**
     * A file of a commit, when it is there and lies in this repository's part of the cache. What hash its bytes should
     * have is told by the blob's name.
     */
    Optional<Path> file(RepoId repo, String commit, String path) throws IOException {
        Path file = place(repo, commit, path);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        Path real = file.toRealPath();
        return real.startsWith(repository(repo).toRealPath()) ? Optional.of(real) : Optional.empty();
    }

    /** The names of all files of a commit that are there. */
    List<String> files(RepoId repo, String commit) throws IOException {
        Path snapshot = snapshot(repo, commit);
        var files = new ArrayList<String>();
        if (Files.isDirectory(snapshot)) {
            try (var paths = Files.walk(snapshot)) {
                paths.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                        .map(path -> snapshot.relativize(path).toString())
                        .sorted()
                        .forEach(files::add);
            }
        }
        return files;
    }

    /** Makes a blob a file of a commit. */
    Path link(RepoId repo, String commit, String path, ContentId content) throws IOException {
        Path file = place(repo, commit, path);
        Files.createDirectories(file.getParent());
        Path target = file.getParent().relativize(blob(repo, content));
        if (Files.isSymbolicLink(file) && Files.readSymbolicLink(file).equals(target)) {
            return file;
        }
        Path beside = beside(file);
        try {
            Files.createSymbolicLink(beside, target);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(beside);
        }
        return file;
    }

    /** Removes a blob whose bytes are not what its name says; links to it lead nowhere until it is fetched again. */
    void evict(Path blob) throws IOException {
        Files.deleteIfExists(blob);
    }

    /** The commit that a branch or tag stood for when it was last asked. */
    Optional<String> ref(RepoId repo, String name) throws IOException {
        Path file = refFile(repo, name);
        if (!Files.isRegularFile(file) || Files.size(file) > 100) {
            return Optional.empty();
        }
        return Optional.of(Files.readString(file).strip()).filter(HubRepos::isCommit);
    }

    /** Remembers the commit of a branch or tag. */
    void setRef(RepoId repo, String name, String commit) throws IOException {
        Path file = refFile(repo, name);
        Files.createDirectories(file.getParent());
        Path beside = beside(file);
        try {
            Files.write(beside, commit.getBytes(StandardCharsets.US_ASCII));
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(beside);
        }
    }

    private Path repository(RepoId repo) {
        return root.resolve("models--" + repo.namespace() + "--" + repo.name());
    }

    private Path refFile(RepoId repo, String name) {
        return repository(repo).resolve("refs").resolve(checked(name));
    }

    private Path place(RepoId repo, String commit, String path) throws IOException {
        Path snapshot = snapshot(repo, commit);
        Path file = snapshot.resolve(checked(path));
        for (Path folder = file.getParent(); !folder.equals(snapshot); folder = folder.getParent()) {
            if (Files.isSymbolicLink(folder)) {
                throw new FileAlreadyExistsException(folder + " is a link, expected a folder of the cache");
            }
        }
        return file;
    }

    private static String checked(String path) {
        var fault = RepoFilePath.fault(path);
        if (fault.isPresent()) {
            throw new IllegalArgumentException("\"" + HubException.plain(path) + "\" " + fault.get());
        }
        return path;
    }

    private static Path beside(Path file) {
        return file.resolveSibling("." + UUID.randomUUID() + ".tmp");
    }
}
