package sn9.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.checkpoint.HfConfig;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.model.Gpt2Config;
import sn9.model.ParameterLayout;
import sn9.tensor.ElementType;
import sn9.testing.Devices;
import sn9.testing.Golden;
import sn9.testing.OnDevice;
import sn9.testing.PlainGpt2;
import sn9.testing.PlainTraining;
import sn9.testing.Roundoff;
import sn9.testing.SpoiledEngine;
import sn9.testing.Tensors;

/** Other engines follow the CPU engine: 20 training steps of a tiny model, a wide one, and padding that stays zero. */
class EngineParityTest {
    private static final int STEPS = 20;
    private static final int B = 2;
    private static final int T = 33;

    /**
     * What f32 does to a result, relative to bf16: roundings are 2^16 times smaller, but each partial sum of a product is
     * rounded, not its result alone. Random errors of K of these add up to sqrt(K) of them, K the longest sum of the model:
     * over the vocabulary or the MLP's width.
     */
    private static double f32OfBf16(Gpt2Config config) {
        return Roundoff.F32 / Roundoff.BF16 * Math.sqrt(Math.max(config.vocabSize(), 4 * config.nEmbd()));
    }

    private static TrainConfig settings(double dropout) {
        var d = TrainConfig.defaults();
        return new TrainConfig(
                3e-3,
                TrainConfig.Schedule.CONSTANT,
                0,
                1,
                d.beta1(),
                d.beta2(),
                d.epsilon(),
                0.1,
                false,
                1,
                1,
                dropout,
                3);
    }

    /** Rows of the golden batches, again and again. */
    private static List<Batch> batches(Golden golden) throws IOException {
        var batches = new ArrayList<Batch>();
        for (int step = 0; step < STEPS; step++) {
            Batch whole = golden.batch("batch." + step % 3);
            var tokens = new int[B * T];
            for (int b = 0; b < B; b++) {
                System.arraycopy(whole.tokens(), b * whole.T(), tokens, b * T, T);
            }
            batches.add(Batch.shifted(B, T, tokens));
        }
        return batches;
    }

    /** The losses of training from the golden model, in memory full of NaNs; padding must be zero at the end. */
    private static double[] losses(
            String device, ElementType type, ModelDirectory model, List<Batch> batches, double dropout)
            throws IOException {
        try (Engine engine = Engines.open(device, 1, type)) {
            var spoiled = new SpoiledEngine(engine, SpoiledEngine.NANS);
            try (var trainer = Trainer.from(
                            spoiled.engine(),
                            model,
                            settings(dropout),
                            batches.getFirst().B(),
                            batches.getFirst().T());
                    Arena arena = Arena.ofConfined()) {
                double[] losses = batches.stream()
                        .mapToDouble(batch -> trainer.train(batch).orElseThrow().loss())
                        .toArray();
                var layout = new ParameterLayout(model.config(), engine.padding(), false);
                for (String label : List.of("parameters", "gradients", "first moment", "second moment")) {
                    assertThat(OnDevice.paddingIsZero(layout, spoiled.read(label, ElementType.F32, arena)))
                            .as("padding of %s on %s", label, device)
                            .isTrue();
                }
                if (type == ElementType.BF16) {
                    assertThat(OnDevice.paddingIsZero(layout, spoiled.read("parameters, to compute with", type, arena)))
                            .as("padding of the copy")
                            .isTrue();
                }
                return losses;
            }
        }
    }

    /** Parameters drift apart: what a step may be off by, all later ones may. */
    private static double[] growing(double[] bound) {
        double[] grown = bound.clone();
        Arrays.parallelPrefix(grown, Math::max);
        return grown;
    }

    @Test
    void twentyStepsFollowDoublePrecision() throws IOException {
        try (Golden golden = Golden.open()) {
            expectFollowed(golden.model(), golden.parameters(), batches(golden), 6);
        }
    }

    /** The network's default width, where every size is padded on the GPU. */
    @Test
    @Tag("slow")
    void twentyStepsOfTheNetworksWidthFollowDoublePrecision(@TempDir Path folder) throws IOException {
        var config = new Gpt2Config(61, 4, 760, 2, 10, 1e-5f);
        Map<String, double[]> parameters = PlainGpt2.randomParameters(config, 6, 0.02);
        Path directory = folder.resolve("model");
        try (Arena arena = Arena.ofConfined()) {
            var tensors = Tensors.of(config, parameters, arena);
            ModelDirectory.write(
                    directory,
                    HfConfig.of(config, ElementType.F32),
                    ElementType.F32,
                    parameters.keySet().stream().map(tensors).toList());
        }
        var random = new SplittableRandom(8);
        List<Batch> few = Stream.generate(
                        () -> Batch.shifted(1, 4, random.ints(4, 0, 61).toArray()))
                .limit(3)
                .toList();
        try (ModelDirectory model = ModelDirectory.open(directory)) {
            List<Batch> batches = IntStream.range(0, STEPS)
                    .mapToObj(step -> few.get(step % 3))
                    .toList();
            expectFollowed(model, parameters, batches, 2);
        }
    }

    /**
     * Trains on every engine and in double precision.
     *
     * @param samples runs in double precision with bf16's roundings
     */
    private static void expectFollowed(
            ModelDirectory model, Map<String, double[]> parameters, List<Batch> batches, int samples)
            throws IOException {
        double[] exact = new PlainTraining(model.config(), parameters, settings(0), value -> value).train(batches);
        double[] bound = growing(Roundoff.bound(
                exact, samples, rounding -> new PlainTraining(model.config(), parameters, settings(0), rounding)
                        .train(batches)));
        assertThat(exact[STEPS - 1]).as("it learns").isLessThan(exact[1] - 0.5);
        double[] cpu = losses("cpu", ElementType.F32, model, batches, 0);
        expectClose("cpu, f32", cpu, exact, bound, f32OfBf16(model.config()));
        for (String device : Devices.others().toList()) {
            double[] f32 = losses(device, ElementType.F32, model, batches, 0);
            expectClose(device + ", f32", f32, exact, bound, f32OfBf16(model.config()));
            expectClose(device + ", f32, against the CPU", f32, cpu, bound, f32OfBf16(model.config()));
            double[] bf16 = losses(device, ElementType.BF16, model, batches, 0);
            expectClose(device + ", bf16", bf16, exact, bound, 1);
            expectClose(device + ", bf16, against the CPU", bf16, cpu, bound, 1);
        }
    }

    private static void expectClose(String what, double[] got, double[] wanted, double[] bound, double factor) {
        for (int step = 0; step < STEPS; step++) {
            assertThat(got[step])
                    .as("%s: step %d", what, step + 1)
                    .isCloseTo(wanted[step], within(bound[step] * factor));
        }
    }

    /** Masks are drawn from a counter, so that engines drop the same elements. */
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("sn9.testing.Devices#others")
    void twentyStepsWithDropoutFollowTheCpu(String device) throws IOException {
        try (Golden golden = Golden.open()) {
            double[] expected = losses("cpu", ElementType.F32, golden.model(), batches(golden), 0.1);
            double[] got = losses(device, ElementType.F32, golden.model(), batches(golden), 0.1);
            for (int step = 0; step < STEPS; step++) {
                assertThat(got[step]).as("step %d", step + 1).isCloseTo(expected[step], within(1e-4));
            }
        }
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("sn9.testing.Devices#others")
    void theNetworksWidthHasTheSameGradients(String name) {
        var config = new Gpt2Config(61, 4, 760, 2, 10, 1e-5f);
        var values = PlainGpt2.randomParameters(config, 6, 0.02);
        int[] tokens = new SplittableRandom(1).ints(3, 0, 61).toArray();
        try (Engine cpu = Engines.open("cpu", 2);
                Engine other = Engines.open(name, 0);
                var expected = new OnDevice(cpu, config, values, 0);
                var got = new OnDevice(other, config, values, 0)) {
            double loss = expected.backward(tokens, tokens, 1, 3, 0, 0);
            assertThat(got.backward(tokens, tokens, 1, 3, 0, 0)).isCloseTo(loss, within(2e-6));
            var gradients = got.readGradients();
            expected.readGradients().forEach((tensor, wanted) -> {
                float largest = 0;
                for (float value : wanted) {
                    largest = Math.max(largest, Math.abs(value));
                }
                float[] found = gradients.get(tensor);
                float worst = 0;
                for (int i = 0; i < wanted.length; i++) {
                    worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
                }
                assertThat(worst).as(tensor).isLessThanOrEqualTo(1e-5f * largest + 1e-9f);
            });
            assertThat(got.paddingIsZero()).isTrue();
        }
    }
}
