package sn9.localnet;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RepoId;

/**
 * Repositories with commits in the folder {@code hub} of a local network's directory. A repository
 * {@code hub/<namespace>/<name>} holds {@code blobs/<sha256>}, {@code commits/<commit>.json} (a {@link HubManifest}) and
 * {@code refs/main}, the latest commit. Files appear whole or not at all and never change, so any number of threads and
 * processes may use one folder at once; of two uploads to one repository at once the later becomes {@code main}.
 */
public final class LocalHub implements RemoteModelStore {
    private static final int BUFFER_BYTES = 1 << 20;

    private final Path root;

    private LocalHub(Path root) {
        this.root = root;
    }

    /** Opens a local network's Hub, creating its folder where there is none. */
    public static LocalHub open(Path localnetDir) throws IOException {
        return new LocalHub(Files.createDirectories(localnetDir.resolve("hub")));
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
        Path repository = repository(repoId);
        List<HubManifest.Entry> entries = new ArrayList<>();
        for (var file : regularFiles(directory).entrySet()) {
            entries.add(storeBlob(repository, file.getKey(), file.getValue()));
        }
        Optional<String> head = head(repoId);
        if (head.isPresent() && manifest(repoId, head.get()).files().equals(entries)) {
            return head.get();
        }
        byte[] json = new HubManifest(RepoId.parse(repoId).toString(), head, entries).toJson();
        if (json.length > HubManifest.MAX_BYTES) {
            throw new IOException("the list of files of " + directory + " takes " + json.length
                    + " bytes, expected at most " + HubManifest.MAX_BYTES);
        }
        String commit = HubManifest.commitOf(json);
        PendingFile.write(commitFile(repository, commit), json);
        PendingFile.write(headFile(repository), (commit + "\n").getBytes(StandardCharsets.US_ASCII));
        return commit;
    }

    /** The latest commit of a repository, empty when there is no such repository. */
    public Optional<String> head(String repoId) throws IOException {
        Path file = headFile(repository(repoId));
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        String commit = new String(readBounded(file, 41), StandardCharsets.US_ASCII).strip();
        if (!HubManifest.isCommit(commit)) {
            throw new MalformedDataException(file.toString(), 0, "expected a commit of 40 hexadecimal digits");
        }
        return Optional.of(commit);
    }

    @Override
    public List<RemoteFile> files(String repoId, String commit) throws IOException {
        return manifest(repoId, commit).files().stream()
                .map(file -> new RemoteFile(file.path(), file.bytes()))
                .toList();
    }

    @Override
    public void download(String repoId, String commit, String path, Path target, long maxBytes)
            throws IOException, InterruptedException {
        HubManifest.Entry entry = manifest(repoId, commit).files().stream()
                .filter(file -> file.path().equals(path))
                .findFirst()
                .orElseThrow(() -> new RemoteCallException(
                        "local hub: " + repoId + " has no file " + path + " at commit " + commit, false));
        String source = repoId + "@" + commit + "/" + path;
        if (entry.bytes() > maxBytes) {
            throw new MalformedDataException(
                    source, -1, "file has " + entry.bytes() + " bytes, at most " + maxBytes + " are taken");
        }
        Path blob = blobFile(repository(repoId), entry.sha256());
        if (!Files.isRegularFile(blob)) {
            throw new MalformedDataException(source, -1, "its content " + blob + " is missing from the local hub");
        }
        try (PendingFile file = PendingFile.in(target.toAbsolutePath().getParent());
                InputStream in = Files.newInputStream(blob)) {
            Content content = copy(in, file, entry.bytes());
            if (content.bytes != entry.bytes() || !content.sha256.equals(entry.sha256())) {
                throw new MalformedDataException(
                        source,
                        -1,
                        "expected " + entry.bytes() + " bytes of SHA-256 " + entry.sha256() + ", found " + content.bytes
                                + " of " + content.sha256 + " in " + blob);
            }
            file.publish(target);
        }
    }

    /** Size and hash of what was copied. */
    private record Content(long bytes, String sha256) {}

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

    private static HubManifest.Entry storeBlob(Path repository, String path, Path file)
            throws IOException, InterruptedException {
        try (PendingFile pending = PendingFile.in(repository.resolve("blobs"));
                InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            Content content = copy(in, pending, Long.MAX_VALUE);
            Path blob = blobFile(repository, content.sha256);
            if (!Files.exists(blob) || Files.size(blob) != content.bytes) {
                pending.publish(blob);
            }
            return new HubManifest.Entry(path, content.bytes, content.sha256);
        }
    }

    /** Copies at most {@code maxBytes} and one buffer; an interrupt ends it. */
    private static Content copy(InputStream in, PendingFile out, long maxBytes)
            throws IOException, InterruptedException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        long bytes = 0;
        for (int n = in.read(buffer); n >= 0 && bytes <= maxBytes; n = in.read(buffer)) {
            if (Thread.interrupted()) {
                throw new InterruptedException("copying a file of the local hub");
            }
            digest.update(buffer, 0, n);
            out.append(ByteBuffer.wrap(buffer, 0, n));
            bytes += n;
        }
        return new Content(bytes, HexFormat.of().formatHex(digest.digest()));
    }

    private HubManifest manifest(String repoId, String commit) throws IOException {
        Path repository = repository(repoId);
        if (!Files.isDirectory(repository)) {
            throw new RemoteCallException("local hub: there is no repository " + repoId, false);
        }
        if (!HubManifest.isCommit(commit) || !Files.isRegularFile(commitFile(repository, commit))) {
            throw new RemoteCallException("local hub: " + repoId + " has no commit " + commit, false);
        }
        Path file = commitFile(repository, commit);
        byte[] json = readBounded(file, HubManifest.MAX_BYTES);
        String found = HubManifest.commitOf(json);
        if (!found.equals(commit)) {
            throw new MalformedDataException(
                    file.toString(), -1, "expected content of SHA-1 " + commit + ", found " + found);
        }
        HubManifest manifest = HubManifest.parse(file.toString(), json);
        if (!manifest.repoId().equals(repoId)) {
            throw new MalformedDataException(
                    file.toString(), -1, "expected a commit of " + repoId + ", found one of " + manifest.repoId());
        }
        return manifest;
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

    private Path repository(String repoId) {
        RepoId id = RepoId.parse(repoId);
        return root.resolve(id.namespace()).resolve(id.name());
    }

    private static Path blobFile(Path repository, String sha256) {
        return repository.resolve("blobs").resolve(sha256);
    }

    private static Path commitFile(Path repository, String commit) {
        return repository.resolve("commits").resolve(commit + ".json");
    }

    private static Path headFile(Path repository) {
        return repository.resolve("refs").resolve("main");
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-256, which every one must have", e);
        }
    }
}
