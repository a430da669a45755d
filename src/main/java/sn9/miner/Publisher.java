package sn9.miner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.files.FileTree;
import sn9.subnet.CommitTooSoonException;
import sn9.subnet.Commitment;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelId;
import sn9.subnet.RepoId;

/**
 * Puts a model directory into its repository and its identity on chain (spec/subnet.md B.2): upload, download back and
 * hash, commit, read back. Each step first looks at what is already there, so after any failure the whole may be done
 * again, and nothing is committed twice: a repeated commitment would lose its seniority.
 */
public final class Publisher {
    /** How often the chain is asked while its rate limit runs. */
    private static final Duration POLL = Duration.ofSeconds(3);

    private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);

    private final NetworkModels network;
    private final String hotkey;
    private final Path workFolder;
    private final Pause pause;

    /** Waiting, which tests let pass at once. */
    public interface Pause {
        /** Returns after this long. */
        void sleep(Duration duration) throws InterruptedException;
    }

    /**
     * A model that stands on chain.
     *
     * @param id what was committed
     * @param block the block that holds the commitment
     * @param repeated whether it stood there before and nothing was done
     */
    public record Publication(ModelId id, long block, boolean repeated) {}

    /**
     * Connects a publisher.
     *
     * @param network the ports; the metadata store commits under {@code hotkey}
     * @param hotkey SS58 address that commits
     * @param workFolder where a download is verified; emptied afterwards
     * @param pause how it waits for the chain
     */
    public Publisher(NetworkModels network, String hotkey, Path workFolder, Pause pause) {
        this.network = network;
        this.hotkey = hotkey;
        this.workFolder = workFolder;
        this.pause = pause;
    }

    /** What this hotkey stands for on chain, if anything that can be read. */
    public Optional<Commitment> committed() throws RemoteCallException, InterruptedException {
        return network.metadata().commitment(hotkey);
    }

    /**
     * The publication that a directory already has: the same content, in the same repository, committed and still there.
     *
     * @throws MalformedDataException when the directory lacks a file
     */
    public Optional<Publication> standing(Path directory, String repoId) throws IOException, InterruptedException {
        return standing(RepoId.parse(repoId), hash(directory));
    }

    /**
     * Publishes a directory.
     *
     * @param directory a model in Hugging Face layout, and nothing that should not be public
     * @param repoId {@code namespace/name}
     * @param mayWait asked before each pause while the chain's rate limit runs; false gives up
     * @throws CommitTooSoonException when the rate limit runs and waiting was not allowed; the upload stands
     * @throws RemoteCallException when a remote failed; doing it again goes on where it failed
     * @throws MalformedDataException when the directory lacks a file, is too large, or what came back differs
     * @throws IllegalArgumentException when the repository id breaks the rules
     */
    public Publication publish(Path directory, String repoId, BooleanSupplier mayWait)
            throws IOException, InterruptedException {
        RepoId repo = RepoId.parse(repoId);
        String hash = hash(directory);
        var standing = standing(repo, hash);
        if (standing.isPresent()) {
            LOG.info(
                    "published repo={} commitment={} already",
                    repoId,
                    standing.get().id().toCompressedString());
            return standing.get();
        }
        LOG.info("uploading repo={} directory={}", repoId, directory);
        String commit = network.store().upload(repoId, directory);
        verify(repoId, commit, hash);
        String committed = network.rules().hashForm().committed(hash, hotkey);
        var id = new ModelId(repo.namespace(), repo.name(), commit, committed);
        Commitment commitment = commit(id, mayWait);
        LOG.info("published repo={} commitment={} block={}", repoId, commitment.text(), commitment.block());
        return new Publication(id, commitment.block(), false);
    }

    /** The hash of the directory's files that others will fetch, which must all be there. */
    private String hash(Path directory) throws IOException {
        List<String> files;
        try (var entries = Files.list(directory)) {
            files = entries.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .toList();
        }
        var missing = network.rules().fetchList().missing(files);
        if (!missing.isEmpty()) {
            throw new MalformedDataException(
                    directory.toString(), -1, "lacks " + String.join(", ", missing) + "; is it a model directory?");
        }
        return DirectoryHash.of(directory, network.rules().fetchList().select(files));
    }

    /** The present commitment, when it is of this very content in this repository and its files are still there. */
    private Optional<Publication> standing(RepoId repo, String hash) throws IOException, InterruptedException {
        var commitment = committed();
        if (commitment.isEmpty()) {
            return Optional.empty();
        }
        try {
            ModelId id = ModelId.parse(commitment.get().text());
            boolean same = network.rules().hashForm().accepts(id.hash(), hash, hotkey)
                    && id.repoId().equals(repo.toString())
                    && id.isComplete();
            if (same && !network.store().files(id.repoId(), id.commit()).isEmpty()) {
                return Optional.of(new Publication(id, commitment.get().block(), true));
            }
        } catch (MalformedDataException e) {
            LOG.warn("the present commitment is unreadable and will be replaced: {}", e.getMessage());
        } catch (RemoteCallException e) {
            if (e.retryable()) {
                throw e;
            }
            LOG.warn("the committed files are gone, they will be uploaded again: {}", e.getMessage());
        }
        return Optional.empty();
    }

    /** Downloads what was uploaded, as a validator would, and compares. */
    private void verify(String repoId, String commit, String expected) throws IOException, InterruptedException {
        Files.createDirectories(workFolder);
        Path back = Files.createTempDirectory(workFolder, ".verify-");
        try {
            String hash = network.download(repoId, commit, network.chain().block(), back);
            if (!hash.equals(expected)) {
                throw new MalformedDataException(
                        repoId + "@" + commit,
                        -1,
                        "what came back has hash " + hash + ", the directory " + expected
                                + "; did it change while it was uploaded?");
            }
        } finally {
            FileTree.delete(back);
        }
    }

    /** Commits unless it stands there already; whatever a failed call says, the chain is asked before another try. */
    private Commitment commit(ModelId id, BooleanSupplier mayWait) throws IOException, InterruptedException {
        String text = id.toCompressedString();
        while (true) {
            var present = committed().filter(c -> c.text().equals(text));
            if (present.isPresent()) {
                return present.get();
            }
            try {
                network.metadata().commit(text);
            } catch (CommitTooSoonException e) {
                await(e, mayWait);
                continue;
            } catch (RemoteCallException e) {
                var included = committed().filter(c -> c.text().equals(text));
                if (included.isEmpty()) {
                    throw e;
                }
                LOG.warn("the chain reported a failure but holds the commitment: {}", e.getMessage());
                return included.get();
            }
            return readBack(text);
        }
    }

    private Commitment readBack(String text) throws RemoteCallException, InterruptedException {
        var back = committed();
        return back.filter(c -> c.text().equals(text))
                .orElseThrow(() -> new RemoteCallException(
                        "committed \"" + text + "\", but the chain says "
                                + back.map(Commitment::text).orElse("nothing") + "; publish again",
                        true));
    }

    private void await(CommitTooSoonException limit, BooleanSupplier mayWait) throws IOException, InterruptedException {
        long block = network.chain().block();
        long until = block + limit.blocksToWait();
        LOG.info(
                "blocks_to_wait={} until_block={} the chain takes one commitment per hotkey in a while",
                limit.blocksToWait(),
                until);
        while (block < until) {
            if (!mayWait.getAsBoolean()) {
                throw limit;
            }
            pause.sleep(POLL);
            block = network.chain().block();
            LOG.debug("block={} blocks_to_wait={}", block, until - block);
        }
    }
}
