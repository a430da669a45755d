package sn9.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.eval.Evaluator;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;

class TrainerTest {
    private static final Gpt2Config TINY = new Gpt2Config(61, 24, 32, 2, 2, 1e-5f);
    private final Engine engine = Engines.open("cpu", 2);

    @TempDir
    private Path temporary;

    @AfterEach
    void close() {
        engine.close();
    }

    private static TrainConfig settings(int accumulation, double dropout) {
        return new TrainConfig(
                3e-3, TrainConfig.Schedule.COSINE, 3, 300, 0.9, 0.95, 1e-8, 0.1, false, 1, accumulation, dropout, 11);
    }

    /** A language with something to learn: each token follows from the one before, with noise. */
    private static Batch batch(long seed) {
        var random = new SplittableRandom(seed);
        int B = 2;
        int T = 17;
        var tokens = new int[B * T];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = i % T == 0 || random.nextInt(10) == 0 ? random.nextInt(61) : (tokens[i - 1] * 7 + 3) % 61;
        }
        return Batch.shifted(B, T, tokens);
    }

    @Test
    void learns() {
        try (var trainer = Trainer.fresh(engine, TINY, settings(1, 0), 2, 17)) {
            List<Batch> heldOut = List.of(batch(-1), batch(-2));
            double before = trainer.evaluate(heldOut);
            assertThat(before).isBetween(3.9, 4.4); // ln 61 = 4.11
            for (int i = 0; i < 150; i++) {
                trainer.train(batch(i));
            }
            assertThat(trainer.evaluate(heldOut)).isLessThan(2.6);
            assertThat(trainer.step()).isEqualTo(150);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 7}) // between two steps, and inside of one
    void resumingGivesTheSameBits(int stopAfter) throws IOException {
        List<Double> straight = new ArrayList<>();
        Path file = temporary.resolve("state.safetensors");
        double norm = 0;
        try (var trainer = Trainer.fresh(engine, TINY, settings(3, 0.1), 2, 17)) {
            for (int i = 0; i < 20; i++) {
                if (i == stopAfter) {
                    trainer.saveCheckpoint(file, Map.of("batch", "" + i));
                }
                var report = trainer.train(batch(i));
                norm = report.map(StepReport::gradNorm).orElse(norm);
                straight.add(trainer.microLoss());
            }
        }
        List<Double> resumed = new ArrayList<>(straight.subList(0, stopAfter));
        double resumedNorm = 0;
        try (var trainer = Trainer.resume(engine, file, 2, 17)) {
            assertThat(trainer.position()).containsEntry("batch", "" + stopAfter);
            for (int i = stopAfter; i < 20; i++) {
                resumedNorm = trainer.train(batch(i)).map(StepReport::gradNorm).orElse(resumedNorm);
                resumed.add(trainer.microLoss());
            }
        }
        assertThat(resumed).isEqualTo(straight);
        assertThat(resumedNorm).isEqualTo(norm);
    }

    @Test
    void accumulationEqualsTheLargerBatch() throws IOException {
        Batch a = batch(1);
        Batch b = batch(2);
        int[] both = Arrays.copyOf(a.tokens(), a.tokens().length * 2);
        System.arraycopy(b.tokens(), 0, both, a.tokens().length, b.tokens().length);
        try (var small = Trainer.fresh(engine, TINY, settings(2, 0), 2, 17);
                var large = Trainer.fresh(engine, TINY, settings(1, 0), 4, 17)) {
            assertThat(small.train(a)).isEmpty();
            StepReport one = small.train(b).orElseThrow();
            StepReport other = large.train(Batch.shifted(4, 17, both)).orElseThrow();
            assertThat(one.loss()).isCloseTo(other.loss(), org.assertj.core.data.Offset.offset(1e-6));
            assertThat(one.gradNorm()).isCloseTo(other.gradNorm(), org.assertj.core.data.Offset.offset(1e-5));
        }
    }

    @Test
    void savedModelHasTheLossOfTheTrainer() throws Exception {
        Batch heldOut = batch(-1);
        try (var trainer = Trainer.fresh(engine, TINY, settings(1, 0), 2, 17);
                var evaluator = new Evaluator(engine)) {
            trainer.train(batch(1));
            double inTraining = trainer.evaluate(List.of(heldOut));
            trainer.saveModel(temporary.resolve("model"), ElementType.F32);
            try (var model = ModelDirectory.open(temporary.resolve("model"))) {
                assertThat(evaluator.losses(model, List.of(heldOut), Duration.ofMinutes(1))[0])
                        .isEqualTo(inTraining);
            }
            try (var model = ModelDirectory.open(temporary.resolve("model"));
                    var next = Trainer.from(engine, model, settings(1, 0), 2, 17)) {
                assertThat(next.evaluate(List.of(heldOut))).isEqualTo(inTraining);
            }
        }
    }

    @Test
    void aNonFiniteGradientChangesNothingAndIsReported() throws IOException {
        try (var trainer = Trainer.fresh(engine, TINY, settings(1, 0), 2, 17)) {
            trainer.saveModel(temporary.resolve("model"), ElementType.F32);
        }
        Path weights = temporary.resolve("model/model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        // The largest finite float everywhere in the last tensor's bytes: sums overflow.
        for (int i = bytes.length - 4 * 32 * 32; i < bytes.length; i += 4) {
            bytes[i] = (byte) 0xff;
            bytes[i + 1] = (byte) 0xff;
            bytes[i + 2] = 0x7f;
            bytes[i + 3] = 0x7f;
        }
        Files.write(weights, bytes);
        try (var model = ModelDirectory.open(temporary.resolve("model"));
                var trainer = Trainer.from(engine, model, settings(1, 0), 2, 17)) {
            StepReport report = trainer.train(batch(1)).orElseThrow();
            assertThat(report.gradNorm()).isNaN();
            trainer.saveModel(temporary.resolve("after"), ElementType.F32);
            assertThat(Files.mismatch(weights, temporary.resolve("after/model.safetensors")))
                    .isEqualTo(-1);
        }
    }

    @Test
    void refusesADamagedCheckpoint() throws IOException {
        Path file = temporary.resolve("state.safetensors");
        try (var trainer = Trainer.fresh(engine, TINY, settings(1, 0), 2, 17)) {
            trainer.saveCheckpoint(file, Map.of());
        }
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
        assertThatThrownBy(() -> Trainer.resume(engine, file, 2, 17)).isInstanceOf(MalformedDataException.class);
        String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
        Files.write(
                file,
                text.replace("\"n_layer\":\"2\"", "\"n_layer\":\"9\"")
                        .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> Trainer.resume(engine, file, 2, 17))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("does not fit");
        Files.write(
                file,
                text.replace("\"lr\":\"0.003\"", "\"lr\":\"-0.03\"")
                        .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> Trainer.resume(engine, file, 2, 17))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("lr");
    }
}
