package sn9.miner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.files.FileTree;
import sn9.subnet.Commitment;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelId;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.Neuron;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RemoteModelStore.RemoteFile;
import sn9.subnet.RuleSet;
import sn9.subnet.SubnetChain;
import sn9.subnet.Verdict;

/**
 * Models other neurons have published, on this machine: a model's folder appears whole and with the committed hash, or
 * not at all.
 *
 * @param chain for the metagraph and the present block
 * @param metadata who committed what
 * @param store the files
 * @param rules fetch list and size limits
 */
public record NetworkModels(SubnetChain chain, ModelMetadataStore metadata, RemoteModelStore store, RuleSet rules) {
    private static final Logger LOG = LoggerFactory.getLogger(NetworkModels.class);

    /**
     * The committed model of a uid.
     *
     * @param folder where downloads are kept
     * @throws RemoteCallException not retryable when the uid is free or has committed nothing
     * @throws MalformedDataException when the commitment or what it names breaks the rules
     */
    public Path fetchUid(int uid, Path folder) throws IOException, InterruptedException {
        Neuron neuron = chain.metagraph()
                .find(uid)
                .orElseThrow(() -> new RemoteCallException("nobody holds uid " + uid + " on this subnet", false));
        Commitment commitment = metadata.commitment(neuron.hotkey())
                .orElseThrow(() -> new RemoteCallException(
                        "uid " + uid + " (hotkey " + neuron.hotkey() + ") has not committed a model", false));
        return fetch(neuron.hotkey(), commitment, folder);
    }

    /**
     * The committed model of the miner with the highest incentive; the next one's where that cannot be had.
     *
     * @throws RemoteCallException when no miner with incentive has a usable model
     */
    public Path fetchBest(Path folder) throws IOException, InterruptedException {
        var byIncentive = chain.metagraph().neurons().stream()
                .filter(neuron -> neuron.incentive() > 0)
                .sorted(Comparator.comparingDouble(Neuron::incentive).reversed().thenComparingInt(Neuron::uid))
                .toList();
        var commitments = metadata.commitments();
        for (Neuron neuron : byIncentive) {
            Commitment commitment = commitments.get(neuron.hotkey());
            if (commitment == null) {
                LOG.warn(
                        "uid={} incentive={} has no commitment, trying the next best",
                        neuron.uid(),
                        neuron.incentive());
                continue;
            }
            try {
                Path model = fetch(neuron.hotkey(), commitment, folder);
                LOG.info("best uid={} incentive={} commitment={}", neuron.uid(), neuron.incentive(), commitment.text());
                return model;
            } catch (MalformedDataException e) {
                LOG.warn("uid={} is unusable, trying the next best: {}", neuron.uid(), e.getMessage());
            }
        }
        throw new RemoteCallException(
                "none of the " + byIncentive.size()
                        + " neurons with incentive has a usable model; --load_uid takes one of" + " your choice",
                false);
    }

    /** The model that a hotkey has committed; throws as {@link #fetchUid}. */
    public Path fetch(String hotkey, Commitment commitment, Path folder) throws IOException, InterruptedException {
        ModelId id = ModelId.parse(commitment.text());
        if (!id.isComplete()) {
            throw new MalformedDataException(
                    "commitment \"" + commitment.text() + "\"", -1, "expected a commit and a hash, found None");
        }
        Path target = folder.resolve("models--" + id.namespace() + "--" + id.name())
                .resolve("snapshots")
                .resolve(id.commit());
        if (Files.isDirectory(target) && rules.hashForm().accepts(id.hash(), DirectoryHash.of(target), hotkey)) {
            LOG.debug("repo={} commit={} is already in {}", id.repoId(), id.commit(), target);
            return target;
        }
        Files.createDirectories(target.getParent());
        Path partial = Files.createTempDirectory(target.getParent(), ".partial-");
        try {
            String hash = download(id.repoId(), id.commit(), commitment.block(), partial);
            if (!rules.hashForm().accepts(id.hash(), hash, hotkey)) {
                throw new MalformedDataException(
                        source(id.repoId(), id.commit()),
                        -1,
                        "content hash is " + rules.hashForm().committed(hash, hotkey) + ", the commitment says "
                                + id.hash());
            }
            FileTree.delete(target);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            FileTree.delete(partial);
        }
        return target;
    }

    /**
     * Downloads exactly the files of the fetch list.
     *
     * @param block by which the size limit is chosen
     * @param target an empty folder
     * @return the directory hash of what came
     * @throws MalformedDataException when files are missing or too large
     */
    String download(String repoId, String commit, long block, Path target) throws IOException, InterruptedException {
        List<RemoteFile> files = store.files(repoId, commit);
        if (rules.criteria(block).judgeRepository(files) instanceof Verdict.Rejected rejected) {
            throw new MalformedDataException(source(repoId, commit), -1, rejected.reason());
        }
        var chosen = rules.fetchList().choose(files);
        for (RemoteFile file : chosen) {
            store.download(repoId, commit, file.path(), target.resolve(file.path()), file.bytes());
        }
        return DirectoryHash.of(target, chosen.stream().map(RemoteFile::path).toList());
    }

    private static String source(String repoId, String commit) {
        return repoId + "@" + commit;
    }
}
