package sn9.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.data.Batch;
import sn9.data.Packer;
import sn9.data.PageSource;
import sn9.data.PageSource.Split;
import sn9.data.PrefetchedBatches;
import sn9.engine.Engine;
import sn9.tokenizer.Gpt2Tokenizer;
import sn9.train.SpeedTest;

/**
 * {@code bench feed}: what it costs a training run to be fed. Rounds alternate between batches that are in memory and
 * batches of pages that are fetched, tokenised and packed meanwhile; the machine is the same for both.
 */
@Command(
        name = "feed",
        description =
                "Training fed from pages of a corpus or dataset against the same with batches in memory, by turns.")
final class BenchFeedCommand implements Callable<Integer> {
    /** Batches that are in memory; a step takes as long whichever it is. */
    private static final int RESIDENT = 8;

    /** Pages drawn for a round at most; it ends before them. */
    private static final int MOST_PAGES = 10_000;

    @Spec
    private CommandSpec spec;

    @Option(
            names = {"--batch_size", "--bs"},
            paramLabel = "B",
            defaultValue = "4",
            description = "Sequences per step. Default: ${DEFAULT-VALUE}")
    private int batchSize;

    @Option(
            names = {"--sequence_length", "--sl"},
            paramLabel = "T",
            defaultValue = "1024",
            description = "Tokens per sequence. Default: ${DEFAULT-VALUE}")
    private int sequenceLength;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "20",
            description = "Steps of a round. Default: ${DEFAULT-VALUE}")
    private int steps;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "5",
            description = "Rounds of each kind. Default: ${DEFAULT-VALUE}")
    private int rounds;

    @Mixin
    private ShapeOptions shape;

    @Mixin
    private CorpusOptions corpus;

    @Mixin
    private DeviceOptions device;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (steps < 1 || rounds < 1) {
            throw Usage.error(spec, "--steps and --rounds are expected to be 1 or more");
        }
        var packer = Usage.checked(spec, () -> new Packer(new Gpt2Tokenizer(), batchSize, sequenceLength));
        var config = shape.config(sequenceLength);
        var resident = new ArrayList<Double>();
        var fed = new ArrayList<Double>();
        try (var source = corpus.open(spec);
                Engine engine = device.open();
                var training = new SpeedTest(engine, config, batchSize, sequenceLength, true, 1)) {
            List<Batch> batches = take(source, packer);
            for (Batch batch : batches) { // also warms up
                training.step(batch);
            }
            for (int round = 0; round < rounds; round++) {
                resident.add(resident(training, batches));
                fed.add(fed(training, source, packer, round));
            }
            report(engine.name(), source.describe(), resident, fed);
        }
        return ExitCode.DONE;
    }

    private List<Batch> take(PageSource source, Packer packer) throws IOException, InterruptedException {
        var batches = new ArrayList<Batch>();
        try (var feed = new Feed(source, packer, rounds)) {
            while (batches.size() < RESIDENT) {
                batches.add(feed.next());
            }
        }
        return batches;
    }

    private double resident(SpeedTest training, List<Batch> batches) {
        long start = System.nanoTime();
        for (int step = 0; step < steps; step++) {
            training.step(batches.get(step % batches.size()));
        }
        return tokensPerSecond(System.nanoTime() - start);
    }

    /** The clock starts with the first batch at hand: a miner fetches the pages of an epoch during the one before. */
    private double fed(SpeedTest training, PageSource source, Packer packer, int round)
            throws IOException, InterruptedException {
        try (var feed = new Feed(source, packer, round)) {
            Batch first = feed.next();
            long start = System.nanoTime();
            training.step(first);
            for (int step = 1; step < steps; step++) {
                training.step(feed.next());
            }
            return tokensPerSecond(System.nanoTime() - start);
        }
    }

    /** Batches without an end: when all pages are used, others are drawn. */
    private static final class Feed implements AutoCloseable {
        private final PageSource source;
        private final Packer packer;
        private final SplittableRandom random;
        private PrefetchedBatches batches;

        private Feed(PageSource source, Packer packer, int seed) {
            this.source = source;
            this.packer = packer;
            this.random = new SplittableRandom(seed);
            this.batches = draw();
        }

        private PrefetchedBatches draw() {
            int count = (int) Math.min(source.pages(Split.TRAIN), MOST_PAGES);
            return new PrefetchedBatches(source, source.draw(Split.TRAIN, count, random), new long[0], packer);
        }

        private Batch next() throws IOException, InterruptedException {
            for (int drawn = 0; drawn < 2; drawn++) {
                var batch = batches.next();
                if (batch.isPresent()) {
                    return batch.get();
                }
                batches.close();
                batches = draw();
            }
            throw new IOException(source.describe() + " has fewer tokens than one batch of " + packer.B() + " x "
                    + packer.T() + "; use a larger corpus or a smaller --batch_size");
        }

        @Override
        public void close() {
            batches.close();
        }
    }

    private double tokensPerSecond(long nanos) {
        return (double) batchSize * sequenceLength * steps * 1e9 / nanos;
    }

    private static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private void report(String engine, String source, List<Double> resident, List<Double> fed) {
        // Pair by pair: the two rounds of a pair are neighbours in time, so a machine that is slower for a while slows
        // both.
        var ratios = new ArrayList<Double>();
        for (int round = 0; round < rounds; round++) {
            ratios.add(fed.get(round) / resident.get(round));
        }
        double cost = 1 - median(ratios);
        var output = Output.of(spec, json);
        var table = new Table("Tokens per second", "round", "in memory", "fed");
        for (int round = 0; round < rounds; round++) {
            table.row(round + 1, "%.0f".formatted(resident.get(round)), "%.0f".formatted(fed.get(round)));
        }
        output.table(table);
        output.text("feeding costs %.1f %%, the median of the rounds (medians %.0f and %.0f tokens/s)"
                .formatted(100 * cost, median(resident), median(fed)));
        var answer = new LinkedHashMap<String, Object>();
        answer.put("mode", "feed");
        answer.put("device", engine);
        answer.put("source", source);
        answer.put("batch_size", batchSize);
        answer.put("sequence_length", sequenceLength);
        answer.put("steps", steps);
        answer.put("resident_tokens_per_second", resident);
        answer.put("fed_tokens_per_second", fed);
        answer.put("cost", cost);
        output.json(answer);
    }
}
