package sn9.localnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RepoId;

/**
 * The Hub of a local network in process, over the repositories ({@link HubRepository}) in the folder {@code hub} of its
 * directory. It knows no tokens: whoever may use the folder may read and write all of it.
 */
public final class LocalHub implements RemoteModelStore {
    private final HubFolder hub;

    private LocalHub(HubFolder hub) {
        this.hub = hub;
    }

    /** Opens a local network's Hub, creating its folder where there is none. */
    public static LocalHub open(Path localnetDir) throws IOException {
        return new LocalHub(HubFolder.open(localnetDir));
    }

    /**
     * {@inheritDoc}
     *
     * <p>Uploading what is already the latest commit makes no new one.
     *
     * @throws IOException when the directory holds a link or another thing that is no regular file, or no file at all
     */
    @Override
    public String upload(String repoId, Path directory) throws IOException, InterruptedException {
        HubRepository repository = hub.repository(RepoId.parse(repoId));
        List<HubManifest.Entry> entries = new ArrayList<>();
        for (var file : regularFiles(directory).entrySet()) {
            entries.add(storeBlob(repository, file.getKey(), file.getValue()));
        }
        return repository.commit(
                (head, before) -> new HubManifest(repository.id().toString(), head, entries));
    }

    /** The latest commit of a repository, empty when there is no such repository. */
    public Optional<String> head(String repoId) throws IOException {
        return hub.repository(RepoId.parse(repoId)).head();
    }

    @Override
    public List<RemoteFile> files(String repoId, String commit) throws IOException {
        return hub.repository(RepoId.parse(repoId)).manifest(commit).files().stream()
                .map(file -> new RemoteFile(file.path(), file.bytes()))
                .toList();
    }

    @Override
    public void download(String repoId, String commit, String path, Path target, long maxBytes)
            throws IOException, InterruptedException {
        HubRepository repository = hub.repository(RepoId.parse(repoId));
        HubManifest.Entry entry = repository
                .manifest(commit)
                .file(path)
                .orElseThrow(() -> new RemoteCallException(
                        "local hub: " + repoId + " has no file " + path + " at commit " + commit, false));
        String source = repoId + "@" + commit + "/" + path;
        if (entry.bytes() > maxBytes) {
            throw new MalformedDataException(
                    source, -1, "file has " + entry.bytes() + " bytes, at most " + maxBytes + " are taken");
        }
        Path blob = repository.blob(entry.sha256());
        if (!Files.isRegularFile(blob)) {
            throw new MalformedDataException(source, -1, "its content " + blob + " is missing from the local hub");
        }
        try (PendingFile file = PendingFile.in(target.toAbsolutePath().getParent());
                InputStream in = Files.newInputStream(blob)) {
            file.copy(in, entry.bytes());
            if (file.bytes() != entry.bytes() || !file.sha256().equals(entry.sha256())) {
                throw new MalformedDataException(
                        source,
                        -1,
                        "expected " + entry.bytes() + " bytes of SHA-256 " + entry.sha256() + ", found " + file.bytes()
                                + " of " + file.sha256() + " in " + blob);
            }
            file.publish(target);
        }
    }

    /** All files below a directory by their path in the repository. */
    private static SortedMap<String, Path> regularFiles(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new IOException(directory + " is not a directory, nothing to upload");
        }
        SortedMap<String, Path> files = new TreeMap<>();
        Path start = directory.toRealPath();
        Files.walkFileTree(start, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!attributes.isRegularFile()) {
                    throw new IOException(file + " is a link or a special file; a repository takes regular files only");
                }
                String path = start.relativize(file).toString();
                Optional<String> fault = HubManifest.pathFault(path);
                if (fault.isPresent()) {
                    throw new IOException("the path " + path + " " + fault.get() + "; rename it");
                }
                files.put(path, file);
                if (files.size() > HubManifest.MAX_FILES) {
                    throw new IOException(directory + " holds more than " + HubManifest.MAX_FILES + " files");
                }
                return FileVisitResult.CONTINUE;
            }
        });
        if (files.isEmpty()) {
            throw new IOException(directory + " holds no files, nothing to upload");
        }
        return files;
    }

    private static HubManifest.Entry storeBlob(HubRepository repository, String path, Path file)
            throws IOException, InterruptedException {
        try (PendingFile content = repository.newBlob();
                InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            content.copy(in, Long.MAX_VALUE);
            repository.publish(content);
            return new HubManifest.Entry(path, content.bytes(), content.sha256());
        }
    }
}
