package sn9.validator;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.checkpoint.ModelDirectory;
import sn9.subnet.Commitment;
import sn9.subnet.DirectoryHash;
import sn9.subnet.HashForm;
import sn9.subnet.Metagraph;
import sn9.subnet.ModelFacts;
import sn9.subnet.ModelId;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.ModelShape;
import sn9.subnet.Neuron;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RemoteModelStore.RemoteFile;
import sn9.subnet.RuleSet;
import sn9.subnet.Verdict;

/**
 * Keeps the tracker true to the chain: reads all commitments in one request, fetches what is new, judges it, and remembers
 * the verdict, so that a bad model is fetched once. A failure of the Hub, the chain or our disk is no verdict: it is tried
 * again at the next pass. One pass at a time; inside it models are fetched on virtual threads, a few at once.
 *
 * <p>Differs: a hotkey whose newest commitment is rejected takes part in nothing; the reference goes on with the model
 * that the hotkey has replaced.
 */
public final class ModelUpdater {
    private static final Logger LOG = LoggerFactory.getLogger(ModelUpdater.class);

    /** Models that may wait for a step on top of those carried over; more are not fetched yet (spec B.5). */
    private static final int BACKLOG = 20;

    private static final int FETCHES_AT_ONCE = 4;

    private final ModelMetadataStore metadata;
    private final RemoteModelStore remote;
    private final LocalModelStore local;
    private final ValidatorState state;
    private final RuleSet rules;
    private final int sampleMin;
    private final Map<String, String> unavailable = new ConcurrentHashMap<>();

    /**
     * An updater over the ports of the network.
     *
     * @param sampleMin models carried from step to step, which bounds what may wait
     */
    public ModelUpdater(
            ModelMetadataStore metadata,
            RemoteModelStore remote,
            LocalModelStore local,
            ValidatorState state,
            RuleSet rules,
            int sampleMin) {
        this.metadata = metadata;
        this.remote = remote;
        this.local = local;
        this.state = state;
        this.rules = rules;
        this.sampleMin = sampleMin;
    }

    /**
     * One pass over all registered hotkeys.
     *
     * @param stopping asked before each fetch
     * @throws RemoteCallException when the commitments cannot be read
     * @throws IOException when the database fails
     */
    public synchronized void update(Metagraph metagraph, BooleanSupplier stopping)
            throws IOException, InterruptedException {
        if (metagraph.neurons().isEmpty()) {
            return; // a chain that names nobody is more likely confused than empty: drop nothing
        }
        state.judgeBy(rulesName());
        state.retain(metagraph.neurons().stream().map(Neuron::hotkey).toList());
        var commitments = metadata.commitments();
        var tracked = state.tracker();
        var needed = new HashSet<>(state.carried());
        tracked.values().stream().filter(TrackedModel::pending).forEach(m -> needed.add(m.hotkey()));
        unavailable.keySet().retainAll(commitments.keySet());

        int room = (int) Math.min(256, (long) sampleMin + BACKLOG) - needed.size();
        var fetches = new ArrayList<Callable<Void>>();
        var gate = new Semaphore(FETCHES_AT_ONCE);
        for (var neuron : metagraph.neurons()) {
            var commitment = commitments.get(neuron.hotkey());
            var known = tracked.get(neuron.hotkey());
            if (commitment == null || !isNew(commitment, known, needed)) {
                continue;
            }
            var model = decideAtOnce(neuron.hotkey(), commitment);
            if (model.isPresent()) {
                track(model.get());
            } else if (fetches.size() < room || needed.contains(neuron.hotkey())) {
                fetches.add(() -> {
                    gate.acquire();
                    try {
                        if (!stopping.getAsBoolean()) {
                            fetch(neuron.hotkey(), commitment, known);
                        }
                    } finally {
                        gate.release();
                    }
                    return null;
                });
            } else {
                LOG.debug("event=fetch_deferred uid={} waiting={}", neuron.uid(), needed.size());
            }
        }
        runAll(fetches);
    }

    /** Hotkeys whose model could not be fetched in the last pass, and why. */
    public Map<String, String> unavailable() {
        return Map.copyOf(unavailable);
    }

    private boolean isNew(Commitment commitment, TrackedModel known, Set<String> needed) throws IOException {
        if (known == null || !known.commitment().equals(commitment)) {
            return true;
        }
        return known.standing() == TrackedModel.Standing.ACCEPTED
                && needed.contains(known.hotkey())
                && !local.holds(known.hotkey(), ModelId.parse(commitment.text()));
    }

    /** The verdict on a commitment that needs no fetch: it names no model, or one found bad before. */
    private Optional<TrackedModel> decideAtOnce(String hotkey, Commitment commitment) throws IOException {
        ModelId id;
        try {
            id = ModelId.parse(commitment.text());
        } catch (MalformedDataException e) {
            return Optional.of(TrackedModel.rejected(hotkey, commitment, e.getMessage()));
        }
        if (!id.isComplete()) {
            return Optional.of(TrackedModel.rejected(
                    hotkey, commitment, "the commitment names no commit or no hash: " + commitment.text()));
        }
        return state.rejection(id, limits(hotkey, commitment), hotkey, commitment);
    }

    private String rulesName() {
        return rules.hashForm() == HashForm.PLAIN ? rules.name() : rules.name() + " " + rules.hashForm();
    }

    /** What a verdict depends on besides the model itself: the limits change with the block, bound hashes with the hotkey. */
    private String limits(String hotkey, Commitment commitment) {
        long block = commitment.block();
        String limits =
                rulesName() + " parameters<=" + rules.maxParameters(block) + " bytes<=" + rules.maxRepoBytes(block);
        // A bound hash that is wrong for the hotkey that copied it is right for its owner.
        return rules.hashForm() == HashForm.PLAIN ? limits : limits + " hotkey=" + hotkey;
    }

    private static void runAll(List<Callable<Void>> fetches) throws IOException, InterruptedException {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (var done : threads.invokeAll(fetches)) {
                done.get();
            }
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    /**
     * Fetches and judges one model. A Hub, a network or a disk that fails says nothing about the model, which is left for
     * the next pass; only the database may end this one.
     */
    private void fetch(String hotkey, Commitment commitment, TrackedModel known)
            throws IOException, InterruptedException {
        var id = ModelId.parse(commitment.text());
        try (var _ = local.use(List.of(local.directory(hotkey, id)))) { // until it is tracked
            TrackedModel model;
            try {
                model = judge(hotkey, commitment, id);
            } catch (IOException e) {
                postpone(hotkey, commitment, known, e);
                return;
            }
            unavailable.remove(hotkey);
            if (model.standing() != TrackedModel.Standing.ACCEPTED) {
                state.reject(id, limits(hotkey, commitment), model);
            }
            track(model);
        }
    }

    private void postpone(String hotkey, Commitment commitment, TrackedModel known, IOException reason)
            throws IOException {
        LOG.warn(
                "event=not_fetched hotkey={} commitment={} reason=\"{}\"",
                hotkey,
                commitment.text(),
                reason.toString());
        unavailable.put(hotkey, TrackedModel.printable("not fetched: " + reason.getMessage()));
        boolean gone = reason instanceof RemoteCallException remoteSaid && !remoteSaid.retryable();
        if (gone && known != null && known.commitment().equals(commitment)) {
            state.untrack(hotkey); // our copy is lost and the Hub has it no longer
        }
    }

    private void track(TrackedModel model) throws IOException {
        state.track(model);
        LOG.info(
                "event=tracked hotkey={} commitment={} block={} standing={}{}",
                model.hotkey(),
                TrackedModel.printable(model.commitment().text()),
                model.commitment().block(),
                model.standing(),
                model.reason().isEmpty() ? "" : " reason=\"" + model.reason() + "\"");
    }

    private TrackedModel judge(String hotkey, Commitment commitment, ModelId id)
            throws IOException, InterruptedException {
        List<RemoteFile> files = remote.files(id.repoId(), id.commit());
        if (rules.criteria(commitment.block()).judgeRepository(files) instanceof Verdict.Rejected(String reason)) {
            return TrackedModel.rejected(hotkey, commitment, reason);
        }
        long repoBytes = files.stream().mapToLong(RemoteFile::bytes).sum();
        if (local.holds(hotkey, id)) { // the same model, committed again
            return judge(hotkey, commitment, id, local.directory(hotkey, id), repoBytes);
        }
        try (var incoming = fetchWithRoom(hotkey, id, rules.fetchList().choose(files))) {
            var model = judge(hotkey, commitment, id, incoming.path(), repoBytes);
            if (model.standing() == TrackedModel.Standing.ACCEPTED) {
                incoming.keep();
            }
            return model;
        }
    }

    /** Fetches a model; a full quota is answered once by deleting what no step waits for. */
    private LocalModelStore.Incoming fetchWithRoom(String hotkey, ModelId id, List<RemoteFile> files)
            throws IOException, InterruptedException {
        try {
            return local.fetch(remote, hotkey, id, files);
        } catch (LocalModelStore.QuotaException e) {
            if (local.cleanNow(waiting()) == 0) {
                throw e;
            }
            LOG.info("event=quota_made_room reason=\"{}\"", e.getMessage());
            return local.fetch(remote, hotkey, id, files);
        }
    }

    /** Directories of the models that the next step needs. */
    private List<Path> waiting() throws IOException {
        var carried = Set.copyOf(state.carried());
        var directories = new ArrayList<Path>();
        for (var model : state.tracker().values()) {
            if (model.takesPart() && (model.pending() || carried.contains(model.hotkey()))) {
                directories.add(local.directory(
                        model.hotkey(), ModelId.parse(model.commitment().text())));
            }
        }
        return directories;
    }

    private TrackedModel judge(String hotkey, Commitment commitment, ModelId id, Path directory, long repoBytes)
            throws IOException {
        String found = DirectoryHash.of(directory);
        boolean same = rules.hashForm().accepts(id.hash(), found, hotkey);
        String hash = same ? id.hash() : rules.hashForm().committed(found, hotkey);
        try (var model = ModelDirectory.open(directory)) {
            var config = model.config();
            var shape = new ModelShape(
                    config.nLayer(), config.nHead(), config.nEmbd(), config.nPositions(), config.vocabSize());
            var facts = new ModelFacts(
                    model.hfConfig().architecture(),
                    shape,
                    model.parameterCount(),
                    repoBytes,
                    model.nonFinite(),
                    hash,
                    Optional.of(id.hash()));
            return rejectedBy(facts, hotkey, commitment);
        } catch (MalformedDataException e) {
            String reason = same
                    ? "cannot be loaded: " + e.getMessage().replace(directory + "/", "")
                    : "content hash is " + hash + ", the commitment says " + id.hash();
            return TrackedModel.rejected(hotkey, commitment, reason);
        }
    }

    private TrackedModel rejectedBy(ModelFacts facts, String hotkey, Commitment commitment) {
        var criteria = rules.criteria(commitment.block());
        if (criteria.judgeAdmission(facts) instanceof Verdict.Rejected(String reason)) {
            return TrackedModel.rejected(hotkey, commitment, reason);
        }
        if (criteria.judge(facts) instanceof Verdict.Rejected(String reason)) {
            return TrackedModel.unfit(hotkey, commitment, reason);
        }
        return TrackedModel.accepted(hotkey, commitment);
    }
}
