package sn9.validator;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.data.Batch;
import sn9.data.Packer;
import sn9.data.Page;
import sn9.data.PageSource;
import sn9.data.PageSource.Split;
import sn9.data.Pages;
import sn9.eval.EvaluationTimeoutException;
import sn9.subnet.DirectoryHash;
import sn9.subnet.Metagraph;
import sn9.subnet.Neuron;
import sn9.subnet.RuleSet;
import sn9.subnet.Scores;
import sn9.subnet.StepScores;

/**
 * One step: the same pages for every model, their losses, wins, and the weights that follow (spec B.6). Changes nothing by
 * itself; the result is for {@link ValidatorState#save}.
 *
 * <p>Here is the line between faults. A model that takes too long, computes no finite number or cannot be read from files
 * that still have the committed hash has failed: it loses everything, the step goes on. Anything else that goes wrong (the
 * device, our disk, the dataset) leaves this class as an exception, and no score changes.
 */
public final class EvalStep {
    /** Draws of pages before a step is given up. */
    private static final int MAX_DRAWS = 10;

    /** Pages drawn on top, to stand in for those that cannot be read. */
    private static final int SPARES = 10;

    private static final Logger LOG = LoggerFactory.getLogger(EvalStep.class);

    private final ModelLosses evaluator;
    private final PageSource source;
    private final Packer packer;
    private final LocalModelStore models;
    private final RuleSet rules;
    private final Settings settings;
    private final InstantSource clock;

    /**
     * What an operator may choose about a step.
     *
     * @param pagesPerEval pages drawn
     * @param sampleMin models that go on to the next step
     * @param limit time one model may take
     */
    public record Settings(int pagesPerEval, int sampleMin, Duration limit) {}

    /** A step over a dataset and a device; both stay the caller's. */
    public EvalStep(
            ModelLosses evaluator,
            PageSource source,
            Packer packer,
            LocalModelStore models,
            RuleSet rules,
            Settings settings,
            InstantSource clock) {
        this.evaluator = evaluator;
        this.source = source;
        this.packer = packer;
        this.models = models;
        this.rules = rules;
        this.settings = settings;
        this.clock = clock;
    }

    /**
     * What a step starts from.
     *
     * @param step its number
     * @param metagraph who holds which uid
     * @param candidates the models that take part, at least one, in order of uid
     * @param averages moving-average weight by hotkey after the last step
     * @param rejected uid to reason of the models that do not take part
     * @param random decides the pages
     */
    public record Start(
            long step,
            Metagraph metagraph,
            List<Candidate> candidates,
            Map<String, Float> averages,
            Map<Integer, String> rejected,
            RandomGenerator random) {}

    /**
     * Runs one step.
     *
     * @param stopping asked before each model
     * @return empty when it was stopped: nothing is known then
     * @throws sn9.engine.EngineException when the device fails
     * @throws IOException when our disk or the dataset fails
     */
    public Optional<StepRecord> run(Start start, BooleanSupplier stopping) throws IOException, InterruptedException {
        var started = clock.instant();
        var phases = new Phases();
        var drawn = draw(start.random());
        long[] pages = drawn.pages();
        List<Batch> batches = drawn.batches();
        phases.end("pages");
        var outcomes = new ArrayList<Outcome>();
        var directories = start.candidates().stream().map(Candidate::directory).toList();
        try (var _ = models.use(directories);
                var opened = new OpenedModels(start.candidates())) {
            for (var candidate : start.candidates()) {
                if (stopping.getAsBoolean()) {
                    LOG.info("event=step_dropped step={} evaluated={}", start.step(), outcomes.size());
                    return Optional.empty();
                }
                outcomes.add(evaluate(candidate, opened, batches));
            }
        }
        phases.end("evaluate");
        var scored = score(start, outcomes);
        phases.end("score");
        return Optional.of(new StepRecord(
                start.step(),
                start.metagraph().block(),
                started,
                Arrays.stream(pages).boxed().toList(),
                batches.size(),
                scored.evaluations,
                scored.averages,
                scored.weights,
                scored.carried,
                failed(start, scored.evaluations),
                phases.seconds()));
    }

    /** The losses of one model, or why there are none. */
    private record Outcome(double[] losses, Optional<String> failure) {
        static Outcome failed(int batches, String reason) {
            var losses = new double[batches];
            Arrays.fill(losses, Double.POSITIVE_INFINITY);
            return new Outcome(losses, Optional.of(reason));
        }
    }

    /** Pages and the batches they make. */
    private record Drawn(long[] pages, List<Batch> batches) {}

    /** Draws pages until they fill a batch; one that cannot be read is replaced. Neither must stop a validator (D.14). */
    private Drawn draw(RandomGenerator random) throws IOException, InterruptedException {
        int count = settings.pagesPerEval();
        for (int attempt = 1; attempt <= MAX_DRAWS; attempt++) {
            int drawn = Math.max(count, (int) Math.min(source.pages(Split.EVAL), (long) count + SPARES));
            List<Page> pages = Pages.readable(source, source.draw(Split.EVAL, drawn, random), count);
            List<Batch> batches = packer.pack(pages);
            if (!batches.isEmpty()) {
                return new Drawn(pages.stream().mapToLong(Page::number).toArray(), batches);
            }
            LOG.warn("event=pages_redrawn attempt={} pages={} reason=\"too short\"", attempt, pages.size());
        }
        throw new IOException(count + " pages of " + source.describe() + " do not fill one batch of " + packer.B()
                + " x " + packer.T() + " tokens; draw more with --pages_per_eval");
    }

    private Outcome evaluate(Candidate candidate, OpenedModels opened, List<Batch> batches)
            throws IOException, InterruptedException {
        if (candidate.unfit().isPresent()) {
            return Outcome.failed(batches.size(), candidate.unfit().get());
        }
        long since = System.nanoTime();
        var outcome = judged(candidate, opened, batches);
        LOG.info(
                "event=evaluated uid={} repo={} batches={} loss={} seconds={}{}",
                candidate.uid(),
                candidate.id().repoId(),
                batches.size(),
                "%.4f".formatted(Arrays.stream(outcome.losses()).average().orElse(Double.NaN)),
                "%.2f".formatted((System.nanoTime() - since) / 1e9),
                outcome.failure().map(reason -> " failed=\"" + reason + "\"").orElse(""));
        return outcome;
    }

    private Outcome judged(Candidate candidate, OpenedModels opened, List<Batch> batches)
            throws IOException, InterruptedException {
        try (var model = opened.take(candidate)) {
            opened.after(candidate).ifPresent(evaluator::announce);
            double[] losses = evaluator.losses(model, batches, settings.limit());
            for (int i = 0; i < losses.length; i++) {
                if (!Double.isFinite(losses[i])) {
                    return new Outcome(losses, Optional.of("loss of batch " + i + " is " + losses[i]));
                }
            }
            return new Outcome(losses, Optional.empty());
        } catch (EvaluationTimeoutException e) {
            return Outcome.failed(batches.size(), e.getMessage());
        } catch (MalformedDataException e) {
            checkUnchanged(candidate, e);
            return Outcome.failed(batches.size(), e.getMessage().replace(candidate.directory() + "/", ""));
        }
    }

    /** Files that no longer have the hash they were accepted with are our disk's fault: deleted, to be fetched again. */
    private void checkUnchanged(Candidate candidate, MalformedDataException cause) throws IOException {
        Path directory = candidate.directory();
        String hash = DirectoryHash.of(directory);
        if (!rules.hashForm().accepts(candidate.id().hash(), hash, candidate.hotkey())) {
            models.discard(directory);
            throw new IOException(
                    directory + " has changed on our disk since it was accepted (hash " + hash + ", committed "
                            + candidate.id().hash() + "); it is deleted and will be fetched again",
                    cause);
        }
    }

    private record Scored(
            List<Evaluation> evaluations,
            Map<String, Float> averages,
            SortedMap<Integer, Float> weights,
            List<String> carried) {}

    /** Averages are kept by hotkey and laid out by uid only for the arithmetic: a new owner of a uid starts at 0. */
    private Scored score(Start start, List<Outcome> outcomes) {
        var candidates = start.candidates();
        double[][] losses = outcomes.stream().map(Outcome::losses).toArray(double[][]::new);
        long[] blocks =
                candidates.stream().mapToLong(c -> c.commitment().block()).toArray();
        int[] uids = candidates.stream().mapToInt(Candidate::uid).toArray();
        StepScores step = Scores.step(losses, blocks, rules);
        var neurons = start.metagraph().neurons();
        int size = neurons.stream().mapToInt(Neuron::uid).max().orElse(-1) + 1;
        var old = new float[size];
        for (var neuron : neurons) {
            old[neuron.uid()] = start.averages().getOrDefault(neuron.hotkey(), 0f);
        }
        float[] next = Scores.movingAverage(old, Scores.scatter(uids, step.weights(), size), rules.alpha());

        var averages = new LinkedHashMap<String, Float>();
        var weights = new TreeMap<Integer, Float>();
        for (var neuron : neurons) {
            if (next[neuron.uid()] > 0) {
                averages.put(neuron.hotkey(), next[neuron.uid()]);
                weights.put(neuron.uid(), next[neuron.uid()]);
            }
        }
        var evaluations = new ArrayList<Evaluation>();
        for (int i = 0; i < uids.length; i++) {
            var candidate = candidates.get(i);
            evaluations.add(new Evaluation(
                    uids[i],
                    candidate.hotkey(),
                    candidate.commitment(),
                    losses[i],
                    outcomes.get(i).failure(),
                    step.wins()[i],
                    step.winRates()[i],
                    step.weights()[i],
                    next[uids[i]]));
        }
        return new Scored(evaluations, averages, weights, carried(evaluations));
    }

    /** The best by win rate, without those that failed and have no weight to lose (spec B.6 step 5). */
    private List<String> carried(List<Evaluation> evaluations) {
        var alive = evaluations.stream()
                .filter(e -> e.failure().isEmpty() || e.weight() > 0)
                .toList();
        double[] rates = alive.stream().mapToDouble(Evaluation::winRate).toArray();
        return IntStream.of(Scores.keep(rates, settings.sampleMin()))
                .mapToObj(i -> alive.get(i).hotkey())
                .toList();
    }

    private static SortedMap<Integer, String> failed(Start start, List<Evaluation> evaluations) {
        var failed = new TreeMap<Integer, String>(Comparator.naturalOrder());
        failed.putAll(start.rejected());
        for (var evaluation : evaluations) {
            evaluation.failure().ifPresent(reason -> failed.put(evaluation.uid(), reason));
        }
        return failed;
    }
}
