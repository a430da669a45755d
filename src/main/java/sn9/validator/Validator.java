package sn9.validator;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.RemoteCallException;
import sn9.data.PythonRandom;
import sn9.subnet.Metagraph;
import sn9.subnet.ModelId;
import sn9.subnet.RuleSet;
import sn9.subnet.SubnetChain;

/**
 * The validator: step after step, and weights every so many blocks (spec B.6). Continues where the database says it was.
 *
 * <p>With a number of steps, commitments are read and models fetched at the start of each step, so a rehearsal is the same
 * every time. Without one it runs until {@link #stop}, reading and fetching on a thread of its own, and outlives failures of
 * the chain, the Hub, the dataset and the disk: the step is dropped, no score changes, and after a pause it is tried again.
 */
public final class Validator {
    private static final Logger LOG = LoggerFactory.getLogger(Validator.class);

    private static final Duration UPDATE_EVERY = Duration.ofMinutes(1);
    private static final Duration FIRST_RETRY = Duration.ofSeconds(10);
    private static final Duration LAST_RETRY = Duration.ofMinutes(5);

    private final Settings settings;
    private final RuleSet rules;
    private final SubnetChain chain;
    private final ModelUpdater updater;
    private final EvalStep evalStep;
    private final LocalModelStore models;
    private final ValidatorState state;
    private final Listener listener;
    private final WeightSetter weightSetter;
    private final Pause pause;
    private final CountDownLatch stopped = new CountDownLatch(1);

    /**
     * What an operator may choose.
     *
     * @param steps how many steps to run; empty runs until stopped
     * @param blocksPerEpoch blocks between two settings of weights
     * @param setWeights whether weights go on chain at all
     * @param seed decides the pages, unless a block does
     * @param seedBy what decides the pages together with it, or alone
     * @param waitForModels how long to wait before looking again when there is nothing to evaluate
     */
    public record Settings(
            OptionalLong steps,
            int blocksPerEpoch,
            boolean setWeights,
            long seed,
            SeedBy seedBy,
            Duration waitForModels) {}

    /** What the pages of a step depend on. */
    public enum SeedBy {
        /** The seed and the step's number: a run can be repeated. */
        STEP,

        /**
         * The seed and the last block that is a multiple of {@value Validator#SEED_BLOCKS}: validators of one seed draw the
         * same pages at the same time. Predictable by everybody who knows the seed.
         */
        BLOCK,

        /**
         * The hash of that block, by Python's generator, as validators of release C agree on pages (spec/subnet.md C 7).
         * Differs: when the chain does not answer, the step is tried again; the reference draws pages of its own.
         */
        BLOCK_HASH
    }

    /** Blocks that share a seed (spec/subnet.md C 7). */
    public static final int SEED_BLOCKS = 150;

    /** Who wants to know, on the validator's own thread. */
    public interface Listener {
        /** A step is finished and saved. */
        void step(StepRecord step) throws IOException;

        /** Weights were taken by the chain, or not. */
        void weights(WeightSubmission submission) throws IOException;

        /** There is nothing to evaluate yet; called once per wait. */
        void waiting(Map<Integer, String> rejected) throws IOException;
    }

    /** A validator over ports, a step and a database, all of which stay the caller's. */
    public Validator(
            Settings settings,
            RuleSet rules,
            SubnetChain chain,
            ModelUpdater updater,
            EvalStep evalStep,
            LocalModelStore models,
            ValidatorState state,
            Listener listener,
            InstantSource clock) {
        this(settings, rules, chain, updater, evalStep, models, state, listener, clock, null);
    }

    /** As the public one, with another way to let time pass. */
    Validator(
            Settings settings,
            RuleSet rules,
            SubnetChain chain,
            ModelUpdater updater,
            EvalStep evalStep,
            LocalModelStore models,
            ValidatorState state,
            Listener listener,
            InstantSource clock,
            Pause pause) {
        this.settings = settings;
        this.rules = rules;
        this.chain = chain;
        this.updater = updater;
        this.evalStep = evalStep;
        this.models = models;
        this.state = state;
        this.listener = listener;
        this.pause = pause == null ? this::await : pause;
        this.weightSetter = new WeightSetter(chain, state, rules.versionKey(), this.pause, clock);
    }

    /**
     * Runs the steps of the settings and returns after the last one or after {@link #stop}.
     *
     * @throws sn9.engine.EngineException when the device fails; scores are as they were
     * @throws IOException when, with a number of steps, something of ours fails: the chain, the Hub, the dataset, the disk;
     *     scores are as they were. Without one, only when the state cannot be kept at all
     */
    public void run() throws IOException, InterruptedException {
        long epochBegan = epochBegan();
        if (settings.steps().isPresent()) {
            runSteps(settings.steps().getAsLong(), epochBegan);
        } else {
            runForever(epochBegan);
        }
    }

    /** Asks to end: at once while waiting, after the present model while evaluating. From any thread. */
    public void stop() {
        stopped.countDown();
    }

    /** Blocks count from the last weights on chain, or from now when there are none. */
    private long epochBegan() throws IOException, InterruptedException {
        long block = chain.block();
        var last = state.lastWeightsBlock();
        return last.isPresent() ? Math.min(last.getAsLong(), block) : block;
    }

    private void runSteps(long steps, long epochBegan) throws IOException, InterruptedException {
        long began = epochBegan;
        for (long done = 0; done < steps && !isStopped(); ) {
            var metagraph = chain.metagraph();
            updater.update(metagraph, this::isStopped);
            if (step(metagraph)) {
                done++;
                cleanUp();
                if (done < steps) {
                    began = setWeightsWhenDue(metagraph.block(), began);
                }
            }
        }
        if (settings.setWeights() && !isStopped()) {
            var submission = setWeights();
            if (submission.isPresent() && submission.get().includedIn().isEmpty()) {
                throw new RemoteCallException(
                        "the chain did not take the weights: "
                                + submission.get().outcome(),
                        false);
            }
        }
    }

    private void runForever(long epochBegan) throws IOException, InterruptedException {
        try (var thread = Executors.newVirtualThreadPerTaskExecutor()) {
            var background = startUpdates(thread);
            try {
                long began = epochBegan;
                var retry = FIRST_RETRY;
                while (!isStopped()) {
                    checkAlive(background);
                    try {
                        var metagraph = chain.metagraph();
                        step(metagraph);
                        began = setWeightsWhenDue(metagraph.block(), began);
                        retry = FIRST_RETRY;
                    } catch (IOException e) {
                        LOG.error(
                                "event=step_aborted retry_seconds={} reason=\"{}\"", retry.toSeconds(), e.getMessage());
                        LOG.debug("step aborted", e);
                        pause.await(retry);
                        retry = retry.multipliedBy(2).compareTo(LAST_RETRY) < 0 ? retry.multipliedBy(2) : LAST_RETRY;
                    }
                }
            } finally {
                stop(); // also when the device failed: the background ends before this thread does
            }
        }
    }

    private Future<?> startUpdates(ExecutorService thread) {
        return thread.submit(() -> {
            while (!isStopped()) {
                try {
                    updater.update(chain.metagraph(), this::isStopped);
                    cleanUp();
                } catch (IOException e) {
                    LOG.warn("event=update_failed reason=\"{}\"", e.getMessage());
                    LOG.debug("update failed", e);
                }
                pause.await(UPDATE_EVERY);
            }
            return null;
        });
    }

    /** A mistake in the background ends the program instead of leaving it deaf. */
    private static void checkAlive(Future<?> background) throws InterruptedException {
        if (background.isDone()) {
            try {
                background.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException("reading commitments ended by itself: " + e.getCause(), e);
            }
        }
    }

    /** Runs and saves one step; false when there was nothing to evaluate or it was stopped. */
    private boolean step(Metagraph metagraph) throws IOException, InterruptedException {
        var candidates = new ArrayList<Candidate>();
        var rejected = new TreeMap<Integer, String>();
        gather(metagraph, candidates, rejected);
        if (candidates.isEmpty()) {
            LOG.info(
                    "event=waiting block={} neurons={} rejected={} reason=\"no hotkey has committed a model to evaluate\"",
                    metagraph.block(),
                    metagraph.neurons().size(),
                    rejected.size());
            listener.waiting(rejected);
            pause.await(settings.waitForModels());
            return false;
        }
        long number = state.nextStep();
        LOG.info("event=step_started step={} block={} models={}", number, metagraph.block(), candidates.size());
        var start = new EvalStep.Start(
                number, metagraph, candidates, state.averages(), rejected, random(number, metagraph.block()));
        var finished = evalStep.run(start, this::isStopped);
        if (finished.isEmpty()) {
            return false;
        }
        state.save(finished.get());
        listener.step(finished.get());
        return true;
    }

    /** The models carried over and those that wait, in order of uid; the rejected ones with their reasons. */
    private void gather(Metagraph metagraph, List<Candidate> candidates, Map<Integer, String> rejected)
            throws IOException {
        var tracker = state.tracker();
        var carried = new HashSet<>(state.carried());
        var unavailable = updater.unavailable();
        for (var neuron : metagraph.neurons()) {
            var model = tracker.get(neuron.hotkey());
            var problem = Optional.ofNullable(unavailable.get(neuron.hotkey()));
            problem.ifPresent(reason -> rejected.put(neuron.uid(), reason));
            if (model == null) {
                continue;
            }
            if (model.standing() != TrackedModel.Standing.ACCEPTED) {
                rejected.putIfAbsent(neuron.uid(), model.reason());
            }
            if (model.takesPart() && (model.pending() || carried.contains(model.hotkey()))) {
                candidates.add(candidate(neuron.uid(), model, problem));
            }
        }
    }

    private Candidate candidate(int uid, TrackedModel model, Optional<String> problem) throws IOException {
        var id = ModelId.parse(model.commitment().text());
        boolean evaluated = model.standing() == TrackedModel.Standing.ACCEPTED;
        if (evaluated && !models.holds(model.hotkey(), id)) {
            throw new IOException("the files of uid " + uid + " (" + id.repoId() + ") are missing from our disk; "
                    + problem.orElse("they are fetched again"));
        }
        return new Candidate(
                uid,
                model.hotkey(),
                model.commitment(),
                id,
                models.directory(model.hotkey(), id),
                evaluated ? Optional.empty() : Optional.of(model.reason()));
    }

    private RandomGenerator random(long step, long block) throws IOException, InterruptedException {
        return switch (settings.seedBy()) {
            case STEP -> seeded(step);
            case BLOCK -> seeded(block / SEED_BLOCKS);
            case BLOCK_HASH -> PythonRandom.ofBlockHash(chain.periodHash(SEED_BLOCKS));
        };
    }

    private RandomGenerator seeded(long count) {
        return new SplittableRandom(new SplittableRandom(settings.seed()).nextLong() + count);
    }

    private long setWeightsWhenDue(long block, long began) throws IOException, InterruptedException {
        if (!settings.setWeights() || isStopped() || block - began < settings.blocksPerEpoch()) {
            return began;
        }
        var submission = setWeights();
        return submission.isPresent() ? submission.get().includedIn().orElse(began) : began;
    }

    private Optional<WeightSubmission> setWeights() throws IOException, InterruptedException {
        var submission = weightSetter.set();
        if (submission.isPresent()) {
            listener.weights(submission.get());
        }
        return submission;
    }

    private void cleanUp() throws IOException {
        var keep = new ArrayList<Path>();
        for (var model : state.tracker().values()) {
            if (model.standing() == TrackedModel.Standing.ACCEPTED) {
                keep.add(models.directory(
                        model.hotkey(), ModelId.parse(model.commitment().text())));
            }
        }
        models.clean(keep);
    }

    private boolean isStopped() {
        return stopped.getCount() == 0;
    }

    private boolean await(Duration time) throws InterruptedException {
        return stopped.await(time.toMillis(), TimeUnit.MILLISECONDS);
    }
}
