package sn9.miner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.checkpoint.ModelDirectory;
import sn9.data.LocalCorpus;
import sn9.data.Packer;
import sn9.data.PrefetchedBatches;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.metrics.JsonLinesSink;
import sn9.metrics.MetricsSink;
import sn9.metrics.MetricsSinks;
import sn9.model.Gpt2Config;
import sn9.subnet.DirectoryHash;
import sn9.subnet.RuleSet;
import sn9.tensor.ElementType;
import sn9.testing.TinyModel;
import sn9.tokenizer.Gpt2Tokenizer;
import sn9.train.TrainConfig;
import sn9.train.TrainConfig.Schedule;
import sn9.train.Trainer;

class MinerTest {
    private static final int B = 2;
    private static final int T = 16;
    private static final int STEPS = 45;
    private static final Gpt2Config SHAPE = Gpt2Config.of(1, 2, 8);
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();

    @TempDir
    Path dir;

    private Engine engine;
    private LocalCorpus source;

    @BeforeEach
    void open() throws Exception {
        writeCorpus(dir.resolve("corpus"));
        engine = Engines.open("cpu", 1);
        source = LocalCorpus.open(dir.resolve("corpus"), 0);
    }

    @AfterEach
    void close() throws Exception {
        source.close();
        engine.close();
    }

    /** Enough short documents of a few words for pages in every split. */
    private static void writeCorpus(Path folder) throws IOException {
        var random = new SplittableRandom(1);
        String[] words = "the of and to in state union people year peace law nation great war work".split(" ");
        var lines = new ArrayList<String>();
        for (int document = 0; document < 600; document++) {
            var text = new StringBuilder("Document ").append(document);
            for (int i = 0; i < 8; i++) {
                text.append(' ').append(words[random.nextInt(words.length)]);
            }
            lines.add("{\"text\":\"" + text + "\"}");
        }
        Files.write(Files.createDirectories(folder).resolve("documents.jsonl"), lines);
    }

    private static MinerConfig config(long maxSteps, long evalSteps) {
        return new MinerConfig(B, T, 5, 1, -1, maxSteps, 1, evalSteps, 10, ElementType.F32);
    }

    private static TrainConfig settings(double lr) {
        var usual = TrainConfig.defaults();
        return new TrainConfig(
                lr, Schedule.CONSTANT, 0, 1, usual.beta1(), usual.beta2(), usual.epsilon(), 0, false, 1, 2, 0.1, 5);
    }

    private Trainer fresh(double lr) {
        return Trainer.fresh(engine, SHAPE, settings(lr), B, T);
    }

    private Miner miner(MinerConfig config, Trainer trainer, RunDirectory run, MetricsSink sink, Uploads uploads)
            throws IOException {
        var position = trainer.step() == 0
                ? Position.start(config, source.describe())
                : Position.of(trainer.position(), "checkpoint");
        var packer = new Packer(TOKENIZER, B, T);
        return new Miner(config, trainer, position, source, packer, run, sink, Optional.ofNullable(uploads));
    }

    private RunDirectory run(String name) throws IOException {
        return RunDirectory.create(dir.resolve(name), LocalDateTime.of(2026, 1, 1, 0, 0));
    }

    private static List<JsonNode> rows(RunDirectory run, String kind) throws IOException {
        var json = new ObjectMapper();
        var rows = new ArrayList<JsonNode>();
        for (String line : Files.readAllLines(run.metrics())) {
            var row = json.readTree(line);
            if (row.get("kind").asText().equals(kind)) {
                rows.add(row);
            }
        }
        return rows;
    }

    private static List<String> losses(List<JsonNode> steps) {
        return steps.stream()
                .map(row -> row.get("step").asLong() + ": " + row.get("loss").asDouble())
                .toList();
    }

    private RunDirectory unbroken(long steps) throws Exception {
        var run = run("unbroken");
        try (var trainer = fresh(1e-2);
                var sink = JsonLinesSink.append(run.metrics())) {
            miner(config(steps, 0), trainer, run, sink, null).run();
        }
        return run;
    }

    @Test
    void trainsMeasuresAndKeepsTheBest() throws Exception {
        var run = run("models");
        Miner.Report report;
        try (var trainer = fresh(1e-2);
                var sink = JsonLinesSink.append(run.metrics())) {
            report = miner(config(20, 5), trainer, run, sink, null).run();
        }
        var heldOut = rows(run, "held_out");
        assertThat(heldOut).extracting(row -> row.get("step").asLong()).containsExactly(0L, 5L, 10L, 15L, 20L);
        assertThat(rows(run, "step")).hasSize(20).allSatisfy(row -> assertThat(row.fieldNames())
                .toIterable()
                .contains("step", "loss", "grad_norm", "lr", "tokens", "tokens_per_second", "seconds"));
        double lowest = heldOut.stream()
                .mapToDouble(row -> row.get("loss").asDouble())
                .min()
                .orElseThrow();
        assertThat(report.bestLoss()).isEqualTo(lowest);
        assertThat(lowest).isLessThan(heldOut.getFirst().get("loss").asDouble());
        assertThat(report.steps()).isEqualTo(20);
        try (var best = ModelDirectory.open(run.best())) {
            assertThat(best.config()).isEqualTo(SHAPE);
        }
    }

    @Test
    void resumedAfterAStopTheLossesAreTheSameToTheBit() throws Exception {
        var whole = unbroken(STEPS);
        assertThat(rows(whole, "epoch")).as("the run must cross an epoch").isNotEmpty();
        int epochEnd = rows(whole, "epoch").getFirst().get("step").asInt();
        for (int stopAt : new int[] {1, epochEnd}) {
            var run = run("stopped-" + stopAt);
            try (var trainer = fresh(1e-2);
                    var sink = JsonLinesSink.append(run.metrics())) {
                var stop = new StopAt(stopAt);
                var miner = miner(config(STEPS, 0), trainer, run, new MetricsSinks(List.of(sink, stop)), null);
                stop.action = miner::requestStop;
                assertThat(miner.run().steps()).isEqualTo(stopAt);
            }
            resume(run);
            assertThat(losses(rows(run, "step"))).isEqualTo(losses(rows(whole, "step")));
            assertThat(losses(rows(run, "epoch"))).isEqualTo(losses(rows(whole, "epoch")));
        }
    }

    @Test
    void resumedInsideAStepTheLossesAreTheSameToTheBit() throws Exception {
        var whole = unbroken(STEPS);
        var run = run("inside");
        var config = config(STEPS, 0);
        var position = Position.start(config, source.describe());
        var draw = new PageDraws(source, config.seed(), config.pagesPerEpoch()).train(0);
        var losses = new ArrayList<String>();
        try (var trainer = fresh(1e-2);
                var batches = new PrefetchedBatches(source, draw.pages(), draw.spares(), new Packer(TOKENIZER, B, T))) {
            for (int batch = 0; batch < 5; batch++) {
                trainer.train(batches.next().orElseThrow())
                        .ifPresent(report -> losses.add(report.step() + ": " + report.loss()));
                position = position.afterBatch(trainer.microLoss());
            }
            trainer.saveCheckpoint(run.checkpoint(), position.toMap());
        }
        resume(run);
        losses.addAll(losses(rows(run, "step")));
        assertThat(losses).isEqualTo(losses(rows(whole, "step")));
        assertThat(losses(rows(run, "epoch"))).isEqualTo(losses(rows(whole, "epoch")));
    }

    @Test
    void resumedAfterACrashTheLossesAreTheSameToTheBit() throws Exception {
        var whole = unbroken(STEPS);
        var run = run("crashed");
        try (var trainer = fresh(1e-2);
                var sink = JsonLinesSink.append(run.metrics())) {
            var crash = new StopAt(17);
            crash.action = () -> {
                throw new IllegalStateException("crash");
            };
            var miner = miner(config(STEPS, 0), trainer, run, new MetricsSinks(List.of(crash, sink)), null);
            assertThatThrownBy(miner::run).hasMessage("crash");
        }
        assertThat(rows(run, "step")).hasSize(16);
        resume(run);
        var after = rows(run, "step").subList(16, 6 + STEPS);
        assertThat(losses(after))
                .as("from the checkpoint of step 10")
                .isEqualTo(losses(rows(whole, "step").subList(10, STEPS)));
    }

    private void resume(RunDirectory run) throws Exception {
        try (var trainer = Trainer.resume(engine, run.checkpoint(), B, T);
                var sink = JsonLinesSink.append(run.metrics())) {
            assertThat(miner(config(STEPS, 0), trainer, run, sink, null).run().steps())
                    .isEqualTo(STEPS);
        }
    }

    /** Does something when a step's row arrives. */
    private static final class StopAt implements MetricsSink {
        private final long step;
        private Runnable action;

        StopAt(long step) {
            this.step = step;
        }

        @Override
        public void row(String kind, Map<String, ?> values) {
            if (kind.equals("step") && values.get("step").equals(step)) {
                action.run();
            }
        }

        @Override
        public void close() {}
    }

    @Test
    void refusesToResumeWithOtherTokens() throws Exception {
        var run = unbroken(2);
        try (var trainer = Trainer.resume(engine, run.checkpoint(), B, T)) {
            var other = new MinerConfig(B, T, 6, 1, -1, STEPS, 1, 0, 10, ElementType.F32);
            assertThatThrownBy(() -> miner(other, trainer, run, new MetricsSinks(List.of()), null))
                    .hasMessageContaining("started with --seed 5, now it is 6");
        }
    }

    @Test
    void aDivergedRunEndsAndSavesNothingOfIt() throws Exception {
        var huge = TinyModel.write(dir.resolve("huge"), SHAPE, 1, 1e20);
        var run = run("diverged");
        try (var model = ModelDirectory.open(huge);
                var trainer = Trainer.from(engine, model, settings(1e-2), B, T);
                var sink = JsonLinesSink.append(run.metrics())) {
            assertThatThrownBy(miner(config(STEPS, 0), trainer, run, sink, null)::run)
                    .isInstanceOf(TrainingDivergedException.class)
                    .hasMessageContaining("diverged at step 1")
                    .hasMessageContaining("lower --lr");
        }
        assertThat(rows(run, "step").getFirst().get("loss_reason").asText()).isNotEmpty();
        assertThat(run.best()).doesNotExist();
        assertThat(run.checkpoint()).doesNotExist();
    }

    @Test
    void publishesTheBestWhenItIsStopped() throws Exception {
        var run = run("models");
        try (var network = new TestNetwork(dir.resolve("net"), "alice");
                var trainer = fresh(1e-2);
                var sink = JsonLinesSink.append(run.metrics())) {
            var stop = new StopAt(7);
            var miner = miner(
                    config(-1, 0),
                    trainer,
                    run,
                    new MetricsSinks(List.of(sink, stop)),
                    uploads(network, OptionalDouble.empty()));
            stop.action = miner::requestStop;
            var report = miner.run();
            var publication = report.published().orElseThrow();
            assertThat(publication.id().hash()).isEqualTo(DirectoryHash.of(run.best()));
            assertThat(network.chain.commitment(network.hotkey()).orElseThrow().text())
                    .isEqualTo(publication.id().toCompressedString());
        }
    }

    @Test
    void publishesNothingAboveTheThreshold() throws Exception {
        var run = run("models");
        try (var network = new TestNetwork(dir.resolve("net"), "alice");
                var trainer = fresh(1e-2);
                var sink = JsonLinesSink.append(run.metrics())) {
            var miner = miner(config(5, 0), trainer, run, sink, uploads(network, OptionalDouble.of(1)));
            assertThat(miner.run().published()).isEmpty();
            assertThat(network.chain.commitment(network.hotkey())).isEmpty();
        }
    }

    private Uploads uploads(TestNetwork network, OptionalDouble threshold) {
        var committed = new CommittedLoss(network.models(), network.hotkey(), dir.resolve("downloads"), engine);
        return new Uploads(
                network.publisher(dir.resolve("work")),
                committed,
                "alice/gpt2",
                threshold,
                RuleSet.B2.epsilon(),
                false,
                true);
    }
}
