package sn9.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import sn9.data.Batch;
import sn9.data.PageSource.Split;
import sn9.engine.Engine;
import sn9.model.Gpt2Config;
import sn9.tokenizer.Gpt2Tokenizer;
import sn9.train.SpeedTest;

/** {@code bench}: speed with a random model and random tokens, as shares of what this machine's GEMM reaches. */
@Command(
        name = "bench",
        description =
                "Speed of evaluation, training, matrix products and the tokenizer on this machine; with --plan, the"
                        + " memory that a shape needs on a GPU that need not be here.",
        subcommands = BenchFeedCommand.class)
final class BenchCommand implements Callable<Integer> {
    /** The product that the GEMM peak is measured with (DESIGN 8). */
    private static final int PEAK_M = 1024;

    private static final int PEAK_K = 768;
    private static final int PEAK_N = 3072;

    /** Runs of a product in {@code bench gemm}, of which the best counts. */
    private static final int GEMM_RUNS = 10;

    /** Runs of the peak's product after every step. */
    private static final int PEAK_RUNS = 5;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PlanOptions plan;

    @Mixin
    private ShapeOptions planShape;

    @Mixin
    private BatchOptions planBatch;

    @Mixin
    private JsonOption planJson;

    @Override
    public Integer call() {
        if (!plan.plan()) {
            throw Main.missingCommand(spec);
        }
        int B = planBatch.batchSize;
        int T = planBatch.sequenceLength;
        expectPositive(planBatch);
        if (plan.memoryBytes() <= 0) {
            throw new ParameterException(spec.commandLine(), "--memory is expected to be above 0");
        }
        Output output = Output.of(spec, planJson);
        var report = new PlanReport(planShape.config(T), B, T, plan.card(), plan.memoryBytes());
        output.table(report.table());
        output.json(report.json());
        return ExitCode.DONE;
    }

    private void expectPositive(BatchOptions batch) {
        if (batch.batchSize < 1 || batch.sequenceLength < 1 || batch.steps < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--batch_size, --sequence_length and --steps are expected to be 1 or more");
        }
    }

    @Command(name = "eval", description = "Evaluation: forward passes with loss.")
    int eval(
            @Mixin ShapeOptions shape,
            @Mixin BatchOptions batch,
            @Mixin DeviceOptions device,
            @Mixin LoggingOptions logging,
            @Mixin JsonOption json) {
        return model("eval", false, shape, batch, device, json);
    }

    @Command(name = "train", description = "Training: forward, backward and optimiser steps.")
    int train(
            @Mixin ShapeOptions shape,
            @Mixin BatchOptions batch,
            @Mixin DeviceOptions device,
            @Mixin LoggingOptions logging,
            @Mixin JsonOption json) {
        return model("train", true, shape, batch, device, json);
    }

    @Command(name = "gemm", description = "Matrix products of GPT-2's shapes, ours and oneDNN's, answers compared.")
    int gemm(@Mixin DeviceOptions device, @Mixin LoggingOptions logging, @Mixin JsonOption json) {
        Output output = Output.of(spec, json);
        var table = new Table("GEMM, GFLOP/s, best of " + GEMM_RUNS, "M", "K", "N", "own", "oneDNN");
        var rows = new java.util.ArrayList<LinkedHashMap<String, Object>>();
        int[][] shapes = {
            {1024, 768, 2304}, {1024, 768, 768}, {PEAK_M, PEAK_K, PEAK_N}, {1024, 3072, 768}, {768, 1024, 3072}
        };
        try (Engine engine = device.open()) {
            for (int[] s : shapes) {
                double own;
                double onednn;
                try (var product = new GemmBench(engine, s[0], s[1], s[2])) {
                    product.run(GEMM_RUNS);
                    own = product.ownPeak();
                    onednn = product.onednnPeak();
                }
                table.row(s[0], s[1], s[2], "%.1f".formatted(own), "%.1f".formatted(onednn));
                var row = new LinkedHashMap<String, Object>();
                row.put("m", s[0]);
                row.put("k", s[1]);
                row.put("n", s[2]);
                row.put("own_gflops", own);
                row.put("onednn_gflops", onednn);
                rows.add(row);
            }
            output.table(table);
            var answer = new LinkedHashMap<String, Object>();
            answer.put("mode", "gemm");
            answer.put("device", engine.name());
            answer.put("threads", Integer.parseInt(engine.properties().getOrDefault("threads", "1")));
            answer.put(
                    "gemm_peak_gflops",
                    rows.get(2).values().stream()
                            .filter(Double.class::isInstance)
                            .mapToDouble(v -> (Double) v)
                            .max()
                            .orElseThrow());
            answer.put("shapes", rows);
            answer.put("onednn", engine.properties().get("onednn"));
            output.json(answer);
        }
        return ExitCode.DONE;
    }

    @Command(
            name = "bulk",
            description =
                    "Evaluation of many models from their directories, as a validator does it, against the same with the"
                            + " weights in place.")
    int bulk(
            @Mixin ShapeOptions shape,
            @Mixin BulkOptions bulk,
            @Mixin DeviceOptions device,
            @Mixin LoggingOptions logging,
            @Mixin JsonOption json)
            throws IOException {
        Gpt2Config config = shape.config(bulk.sequenceLength);
        if (bulk.models < 1 || bulk.sequences < 1 || bulk.sequenceLength < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--models, --sequences and --sequence_length are expected to be 1 or more");
        }
        Output output = Output.of(spec, json);
        try (Engine engine = device.open()) {
            var random = new SplittableRandom(0);
            List<Batch> batches = Stream.generate(() -> randomBatch(random, 1, bulk.sequenceLength, config.vocabSize()))
                    .limit(bulk.sequences)
                    .toList();
            BulkBench.Seconds seconds = BulkBench.measure(engine, config, bulk.models, batches);
            output.text(
                    "%d models of %.1f M parameters, %d sequences of %d each: %.2f s, %.0f models an hour; %.2f s with the"
                                    .formatted(
                                            bulk.models,
                                            config.parameterCount() / 1e6,
                                            bulk.sequences,
                                            bulk.sequenceLength,
                                            seconds.loading(),
                                            3600 * bulk.models / seconds.loading(),
                                            seconds.resident())
                            + " weights in place, ratio %.3f".formatted(seconds.loading() / seconds.resident()));
            var answer = new LinkedHashMap<String, Object>();
            answer.put("mode", "bulk");
            answer.put("device", engine.name());
            answer.put("models", bulk.models);
            answer.put("parameters", config.parameterCount());
            answer.put("sequences", bulk.sequences);
            answer.put("sequence_length", bulk.sequenceLength);
            answer.put("seconds", seconds.loading());
            answer.put("resident_seconds", seconds.resident());
            answer.put("ratio", seconds.loading() / seconds.resident());
            answer.put("peak_rss_mb", ProcessMemory.peakRssMib());
            output.json(answer);
        }
        return ExitCode.DONE;
    }

    @Command(name = "tokenizer", description = "Tokenising pages of the corpus, one thread.")
    int tokenizer(@Mixin CorpusOptions corpus, @Mixin LoggingOptions logging, @Mixin JsonOption json)
            throws IOException, InterruptedException {
        var tokenizer = new Gpt2Tokenizer();
        tokenizer.encode("The vocabulary is loaded before the clock starts.");
        long bytes = 0;
        long tokens = 0;
        double best = 0;
        try (var source = corpus.open(spec)) {
            long pages = source.pages(Split.TRAIN);
            for (int round = 0; round < 3; round++) {
                bytes = 0;
                tokens = 0;
                long nanos = 0;
                for (long number : source.draw(Split.TRAIN, (int) Math.min(pages, 20), new SplittableRandom(0))) {
                    List<String> texts = source.page(number).texts();
                    long start = System.nanoTime();
                    for (String text : texts) {
                        tokens += tokenizer.encode(text).length;
                    }
                    nanos += System.nanoTime() - start;
                    for (String text : texts) {
                        bytes += text.getBytes(StandardCharsets.UTF_8).length;
                    }
                }
                best = Math.max(best, bytes * 1e3 / nanos);
            }
        }
        Output output = Output.of(spec, json);
        output.text("%.1f MB/s: %d bytes are %d tokens, %.2f bytes each (best of 3 rounds)"
                .formatted(best, bytes, tokens, (double) bytes / tokens));
        var answer = new LinkedHashMap<String, Object>();
        answer.put("mode", "tokenizer");
        answer.put("megabytes_per_second", best);
        answer.put("bytes", bytes);
        answer.put("tokens", tokens);
        output.json(answer);
        return ExitCode.DONE;
    }

    private int model(
            String mode,
            boolean training,
            ShapeOptions shape,
            BatchOptions batch,
            DeviceOptions device,
            JsonOption json) {
        Gpt2Config config = shape.config(batch.sequenceLength);
        int B = batch.batchSize;
        int T = batch.sequenceLength;
        expectPositive(batch);
        Output output = Output.of(spec, json);
        try (Engine engine = device.open()) {
            var random = new SplittableRandom(batch.seed);
            // A sequence of T + 1 random tokens: every position predicts, as the peers' do.
            var speed = new SpeedTest(engine, config, B, T, training, batch.seed);
            var seconds = new double[batch.steps];
            double peak;
            double mean;
            double first = Double.NaN;
            double last = Double.NaN;
            try (speed;
                    var product = new GemmBench(engine, PEAK_M, PEAK_K, PEAK_N)) {
                for (int step = 0; step <= batch.steps; step++) {
                    Batch tokens = randomBatch(random, B, T, config.vocabSize());
                    long start = System.nanoTime();
                    last = speed.step(tokens);
                    double took = (System.nanoTime() - start) / 1e9;
                    if (step == 0) {
                        first = last;
                    } else {
                        seconds[step - 1] = took;
                    }
                    // Between the steps, so that other work on this machine slows both sides of the share alike.
                    product.run(PEAK_RUNS);
                }
                peak = product.peak();
                mean = product.mean();
            }
            double median = Arrays.stream(seconds).sorted().toArray()[batch.steps / 2];
            double rate = B * (double) T / median;
            double flops = B * (double) T * flopsPerToken(config, T, training);
            double gflops = 1e-9 * flops / median;
            double meanShare =
                    1e-9 * flops * batch.steps / Arrays.stream(seconds).sum() / mean;
            output.text(
                    "%s %d/%d/%d, B=%d, T=%d, %s threads: %.0f tokens/s, %.1f GFLOP/s, %.0f %% of the GEMM peak of %.1f"
                            .formatted(
                                    mode,
                                    config.nLayer(),
                                    config.nHead(),
                                    config.nEmbd(),
                                    B,
                                    T,
                                    engine.properties().get("threads"),
                                    rate,
                                    gflops,
                                    100 * gflops / peak,
                                    peak));
            output.text("%.0f %% of what products between the steps reached on average".formatted(100 * meanShare));
            var answer = new LinkedHashMap<String, Object>();
            answer.put("mode", mode);
            answer.put("device", engine.name());
            answer.put("precision", device.precisionName());
            answer.put("n_layer", config.nLayer());
            answer.put("n_head", config.nHead());
            answer.put("n_embd", config.nEmbd());
            answer.put("vocab_size", config.vocabSize());
            answer.put("batch_size", B);
            answer.put("sequence_length", T);
            answer.put("threads", Integer.parseInt(engine.properties().getOrDefault("threads", "1")));
            answer.put("seconds", seconds);
            answer.put("tokens_per_second", rate);
            answer.put("gflops", gflops);
            answer.put("gemm_peak_gflops", peak);
            answer.put("peak_share", gflops / peak);
            answer.put("gemm_mean_gflops", mean);
            answer.put("mean_share", meanShare);
            answer.put("peak_rss_mb", ProcessMemory.peakRssMib());
            answer.put("loss", first);
            answer.put("last_loss", last);
            answer.put("gemm", engine.products());
            output.json(answer);
        }
        return ExitCode.DONE;
    }

    private static Batch randomBatch(SplittableRandom random, int B, int T, int V) {
        var tokens = new int[B * T];
        var targets = new int[B * T];
        for (int b = 0; b < B; b++) {
            int next = random.nextInt(V);
            for (int t = 0; t < T; t++) {
                tokens[b * T + t] = next;
                next = random.nextInt(V);
                targets[b * T + t] = next;
            }
        }
        return new Batch(B, T, tokens, targets);
    }

    /**
     * Work per token (spec/cuda.md 3.1): 2 * (12 L C^2 + V C) for the matrices and 2 L T C for causal attention at half;
     * training does it three times.
     */
    static double flopsPerToken(Gpt2Config config, int T, boolean training) {
        double C = config.nEmbd();
        double L = config.nLayer();
        double forward = 2 * (12 * L * C * C + (double) config.vocabSize() * C) + 2 * L * T * C;
        return training ? 3 * forward : forward;
    }

    /** How much there is to evaluate. */
    static final class BulkOptions {
        @Option(
                names = "--models",
                paramLabel = "N",
                defaultValue = "30",
                description = "Models. Default: ${DEFAULT-VALUE}")
        private int models;

        @Option(
                names = "--sequences",
                paramLabel = "N",
                defaultValue = "4",
                description = "Sequences per model. Default: ${DEFAULT-VALUE}")
        private int sequences;

        @Option(
                names = {"--sequence_length", "--sl"},
                paramLabel = "T",
                defaultValue = "1024",
                description = "Tokens per sequence. Default: ${DEFAULT-VALUE}")
        private int sequenceLength;
    }

    /** What a step works on. */
    static final class BatchOptions {
        @Option(
                names = {"--batch_size", "--bs"},
                paramLabel = "B",
                defaultValue = "1",
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
                defaultValue = "5",
                description = "Steps to time, after one that is not. Default: ${DEFAULT-VALUE}")
        private int steps;

        @Option(
                names = "--seed",
                paramLabel = "SEED",
                defaultValue = "1",
                description = "Of the model and the tokens. Default: ${DEFAULT-VALUE}")
        private long seed;
    }
}
