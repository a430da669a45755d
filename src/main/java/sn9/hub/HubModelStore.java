package sn9.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.http.Retry;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RepoId;

/**
 * Models on the Hub. Downloads for neurons go straight to where they are kept, which has a quota of its own; a file that
 * the shared cache holds is taken from there. {@link #snapshot} fills the cache, for people and other tools.
 */
public final class HubModelStore implements RemoteModelStore, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HubModelStore.class);

    /** A download that nobody has gone on with for so long is given up. */
    private static final Duration ABANDONED = Duration.ofDays(7);

    private final HubClient client;
    private final HubRepos repos;
    private final HubCache cache;
    private final HubUpload uploads;
    private final FileDownload downloads;
    private final Path partials;
    private final boolean privately;

    /**
     * A store over a client, which it closes.
     *
     * @param privately whether repositories that have to be created are private
     */
    public HubModelStore(HubClient client, HubSettings settings, boolean privately, Transfers transfers) {
        this(client, settings, privately, transfers, Thread::sleep, FileDownload.CHUNK_BYTES);
    }

    HubModelStore(
            HubClient client,
            HubSettings settings,
            boolean privately,
            Transfers transfers,
            Retry.Pause pause,
            int chunkBytes) {
        this.client = client;
        this.repos = new HubRepos(client, pause);
        this.cache = new HubCache(settings.cache());
        Path own = settings.cache().resolve(".locks"); // which other tools leave alone
        var journal = new UploadJournal(own.resolve("sn9-uploads"));
        this.partials = own.resolve("sn9-downloads");
        this.uploads = new HubUpload(client, repos, new LfsUpload(client, journal, transfers), pause);
        this.downloads = new FileDownload(client, transfers, pause, chunkBytes);
        this.privately = privately;
        sweep();
    }

    /** The repositories, beyond what neurons need. */
    public HubRepos repos() {
        return repos;
    }

    /**
     * Makes sure that the token is valid and may write; which repositories, only an upload tells.
     *
     * @return the account it belongs to
     * @throws HubException when there is no such token
     */
    public String checkMayWrite() throws IOException, InterruptedException {
        var account = repos.whoami();
        if (account.role().equals("read")) {
            throw new HubException("hub: the token of " + account.name()
                    + " may only read; make one with the role write at the Hub's settings");
        }
        return account.name();
    }

    @Override
    public String upload(String repoId, Path directory) throws IOException, InterruptedException {
        var repo = RepoId.parse(repoId);
        repos.create(repo, privately);
        if (privately && !repos.isPrivate(repo)) {
            throw new HubException(
                    "hub: " + repo + " is there already and public; what is uploaded would be seen at once."
                            + " Name a new repository, or hide this one first");
        }
        return uploads.run(repo, directory);
    }

    @Override
    public List<RemoteFile> files(String repoId, String commit) throws IOException, InterruptedException {
        var repo = RepoId.parse(repoId);
        if (client.offline()) {
            return cachedFiles(repo, commit);
        }
        return repos.tree(repo, commit).stream().map(HubFile::toRemoteFile).toList();
    }

    @Override
    public void download(String repoId, String commit, String path, Path target, long maxBytes)
            throws IOException, InterruptedException {
        var repo = RepoId.parse(repoId);
        var cached = verified(repo, commit, path);
        if (cached.isPresent()) {
            checkSize(repo + "@" + commit + "/" + path, Files.size(cached.get()), maxBytes);
            copy(cached.get(), target);
            return;
        }
        RemoteContent remote = RemoteContent.of(client, repo, commit, path);
        checkSize(remote.name(), remote.bytes(), maxBytes);
        downloads.run(remote, partials, target);
    }

    /**
     * Brings files of a commit into the shared cache.
     *
     * @return the folder of the commit, which holds them
     */
    public Path snapshot(RepoId repo, String commit, List<RemoteFile> files) throws IOException, InterruptedException {
        for (RemoteFile file : files) {
            if (verified(repo, commit, file.path()).isEmpty()) {
                RemoteContent remote = RemoteContent.of(client, repo, commit, file.path());
                checkSize(remote.name(), remote.bytes(), file.bytes());
                Path blob = cache.blob(repo, remote.content());
                if (!Files.isRegularFile(blob) || !remote.content().isOf(blob)) {
                    Files.createDirectories(blob.getParent());
                    downloads.run(remote, partials, blob);
                }
                cache.link(repo, commit, file.path(), remote.content());
            }
        }
        return cache.snapshot(repo, commit);
    }

    /** The commit of a branch, tag or commit; offline, as it was last known. */
    public String resolve(RepoId repo, String revision) throws IOException, InterruptedException {
        if (HubRepos.isCommit(revision)) {
            return revision;
        }
        if (client.offline()) {
            return cache.ref(repo, revision)
                    .orElseThrow(() -> new HubException(
                            "hub: " + repo + "@" + revision + " is not in the cache, and HF_HUB_OFFLINE is set"));
        }
        String commit = repos.commit(repo, revision);
        cache.setRef(repo, revision, commit);
        return commit;
    }

    @Override
    public void close() {
        client.close();
    }

    /** Deletes downloads that nobody has gone on with for a week. */
    private void sweep() {
        try {
            PartialFile.sweep(partials, Instant.now().minus(ABANDONED));
        } catch (IOException e) {
            LOG.warn("event=not_swept folder={} reason=\"{}\"", partials, e.toString());
        }
    }

    private List<RemoteFile> cachedFiles(RepoId repo, String commit) throws IOException {
        var files = new ArrayList<RemoteFile>();
        for (String path : cache.files(repo, commit)) {
            var file = cache.file(repo, commit, path);
            if (file.isPresent()) {
                files.add(new RemoteFile(path, Files.size(file.get())));
            }
        }
        if (files.isEmpty()) {
            throw new HubException("hub: " + repo + "@" + commit + " is not in the cache, and HF_HUB_OFFLINE is set");
        }
        return files;
    }

    /** A file of the cache whose bytes are what its blob's name says; another one is removed. */
    private Optional<Path> verified(RepoId repo, String commit, String path) throws IOException, InterruptedException {
        if (!HubRepos.isCommit(commit)) {
            return Optional.empty();
        }
        var file = cache.file(repo, commit, path);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        var content = ContentId.ofEtag(file.get().getFileName().toString());
        if (content.isPresent() && content.get().isOf(file.get())) {
            return file;
        }
        if (content.isPresent()) {
            LOG.warn("event=cache_damaged blob={} is not what its name says, fetching it again", file.get());
            cache.evict(file.get());
        }
        return Optional.empty();
    }

    private static void checkSize(String name, long bytes, long maxBytes) throws MalformedDataException {
        if (bytes > maxBytes) {
            throw new MalformedDataException(
                    name, -1, "file has " + bytes + " bytes, at most " + maxBytes + " are taken");
        }
    }

    private static void copy(Path file, Path target) throws IOException {
        Path beside = target.resolveSibling("." + UUID.randomUUID() + ".tmp");
        try {
            Files.copy(file, beside);
            Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(beside);
        }
    }
}
