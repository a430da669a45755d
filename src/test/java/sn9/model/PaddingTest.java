package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.engine.Padding;
import sn9.eval.Evaluator;
import sn9.tensor.ElementType;
import sn9.testing.Devices;
import sn9.testing.OnDevice;
import sn9.testing.PaddedEngine;
import sn9.testing.PlainGpt2;
import sn9.testing.SpoiledEngine;
import sn9.train.TrainConfig;
import sn9.train.Trainer;

/** A padded model is the same model: losses, gradients, training, files; and its padding stays exactly zero. */
class PaddingTest {
    private static final Padding CUDA = new Padding(64, 16, 128);

    @ParameterizedTest
    @CsvSource({"2, 9, 76, 1, 61", "1, 5, 40, 1, 128", "2, 7, 20, 2, 131", "1, 3, 64, 4, 256"})
    void lossesAndGradientsAreThoseOfThePlainModel(int B, int T, int C, int NH, int V) {
        var config = new Gpt2Config(V, T, C, 2, NH, 1e-5f);
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 5, 0.2);
        int[] tokens = new SplittableRandom(5).ints((long) B * T, 0, V).toArray();
        for (double dropout : new double[] {0, 0.2}) {
            try (Engine engine = Engines.open("cpu", 2)) {
                Map<String, float[]> expected;
                double loss;
                try (var plain = new OnDevice(engine, config, values, 0)) {
                    loss = plain.backward(tokens, tokens, B, T, dropout, 3);
                    expected = plain.readGradients();
                }
                var padded = new PaddedEngine(engine, CUDA);
                try (var device = new OnDevice(padded, config, values, 0)) {
                    assertThat(device.backward(tokens, tokens, B, T, dropout, 3))
                            .isCloseTo(loss, offset(1e-6));
                    Map<String, float[]> gradients = device.readGradients();
                    expected.forEach((name, gradient) -> {
                        float[] got = gradients.get(name);
                        for (int i = 0; i < gradient.length; i++) {
                            assertThat(got[i]).as("%s[%d]", name, i).isCloseTo(gradient[i], offset(2e-6f));
                        }
                    });
                    assertThat(device.paddingIsZero()).isTrue();
                }
            }
        }
    }

    @Test
    void refusesTokensThatOnlyThePaddingHas() {
        var config = new Gpt2Config(61, 5, 20, 1, 2, 1e-5f);
        try (Engine engine = Engines.open("cpu", 1);
                var device = new OnDevice(
                        new PaddedEngine(engine, CUDA), config, PlainGpt2.randomParameters(config, 5, 0.2), 0)) {
            assertThatThrownBy(() -> device.backward(new int[] {1, 61, 2}, new int[] {1, 2, 3}, 1, 3, 0, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("61 at position 1 is outside of the vocabulary of 61");
            assertThatThrownBy(() -> device.backward(new int[] {1, 6, 2}, new int[] {1, 2, 64}, 1, 3, 0, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("targets: 64 at position 2");
        }
    }

    @Test
    void trainsAndSavesTheSameModel(@TempDir Path folder) throws Exception {
        var config = new Gpt2Config(61, 17, 20, 2, 2, 1e-5f);
        var d = TrainConfig.defaults();
        var settings = new TrainConfig(
                3e-3, TrainConfig.Schedule.CONSTANT, 0, 1, d.beta1(), d.beta2(), d.epsilon(), 0.1, false, 1, 1, 0, 3);
        var random = new SplittableRandom(9);
        try (Engine engine = Engines.open("cpu", 1);
                var plain = Trainer.fresh(engine, config, settings, 2, 17);
                var padded = Trainer.fresh(new PaddedEngine(engine, CUDA), config, settings, 2, 17)) {
            for (int step = 0; step < 20; step++) {
                Batch batch = Batch.shifted(2, 17, random.ints(34, 0, 61).toArray());
                double expected = plain.train(batch).orElseThrow().loss();
                assertThat(padded.train(batch).orElseThrow().loss()).isCloseTo(expected, offset(1e-5));
            }
            Batch heldOut = Batch.shifted(2, 17, random.ints(34, 0, 61).toArray());
            double loss = padded.evaluate(List.of(heldOut));
            padded.saveModel(folder.resolve("m"), ElementType.F32);
            try (ModelDirectory model = ModelDirectory.open(folder.resolve("m"));
                    var onPlain = new Evaluator(engine);
                    var onPadded = new Evaluator(new PaddedEngine(engine, CUDA))) {
                assertThat(onPlain.losses(model, List.of(heldOut), Duration.ofMinutes(1))[0])
                        .isCloseTo(loss, offset(1e-6));
                assertThat(onPadded.losses(model, List.of(heldOut), Duration.ofMinutes(1))[0])
                        .isEqualTo(loss);
            }
        }
    }

    static Stream<Arguments> engines() {
        return Devices.all()
                .flatMap(device -> device.equals("cpu")
                        ? Stream.of(Arguments.of(device, ElementType.F32))
                        : Stream.of(Arguments.of(device, ElementType.F32), Arguments.of(device, ElementType.BF16)));
    }

    /** Nothing that was not written is read: not in memory just allocated, not in activations, not in the workspace. */
    @ParameterizedTest
    @MethodSource("engines")
    void garbageChangesNothing(String device, ElementType type, @TempDir Path folder) throws Exception {
        var config = new Gpt2Config(61, 17, 40, 2, 2, 1e-5f);
        var d = TrainConfig.defaults();
        var settings = new TrainConfig(
                3e-3, TrainConfig.Schedule.CONSTANT, 0, 1, d.beta1(), d.beta2(), d.epsilon(), 0.1, false, 1, 1, 0.1, 3);
        List<Double> expected = null;
        for (int garbage : new int[] {SpoiledEngine.NANS, SpoiledEngine.LARGE}) {
            try (Engine engine = Engines.open(device, 1, type)) {
                if (garbage == SpoiledEngine.LARGE) {
                    // Another model leaves its own numbers in the workspace.
                    try (var other = Trainer.fresh(engine, new Gpt2Config(97, 24, 48, 1, 3, 1e-5f), settings, 3, 24)) {
                        other.train(Batch.shifted(
                                3, 24, new SplittableRandom(1).ints(72, 0, 97).toArray()));
                    }
                }
                var spoiled =
                        new SpoiledEngine(device.equals("cpu") ? new PaddedEngine(engine, CUDA) : engine, garbage);
                var random = new SplittableRandom(4);
                var losses = new ArrayList<Double>();
                Path file = folder.resolve("checkpoint" + garbage);
                try (var trainer = Trainer.fresh(spoiled.engine(), config, settings, 2, 17)) {
                    for (int step = 0; step < 3; step++) {
                        spoiled.spoilActivations();
                        Batch batch =
                                Batch.shifted(2, 17, random.ints(34, 0, 61).toArray());
                        losses.add(trainer.train(batch).orElseThrow().loss());
                        spoiled.spoilActivations();
                        losses.add(trainer.evaluate(List.of(batch)));
                    }
                    trainer.saveCheckpoint(file, Map.of());
                }
                assertThat(losses).allMatch(Double::isFinite);
                if (expected != null) {
                    assertThat(losses).isEqualTo(expected);
                    assertThat(Files.mismatch(file, folder.resolve("checkpoint" + SpoiledEngine.NANS)))
                            .as("parameters and moments")
                            .isEqualTo(-1);
                }
                expected = losses;
            }
        }
    }
}
