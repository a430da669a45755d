package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.tensor.ElementType;
import sn9.testing.Devices;
import sn9.testing.PlainGpt2;
import sn9.testing.Tensors;

/**
 * Models of the size that people train: {@code -Dsn9.size=full}, for a GPU, where a tiny model fills neither a tile nor a
 * grid. Otherwise the same with small ones, which any machine can run.
 */
class FullSizeTest {
    private static final boolean FULL = System.getProperty("sn9.size", "small").equals("full");
    /** The bounds of docs/numerics.md in f32, in nats: of one position, and of the mean over all. */
    private static final double LARGEST = 5e-5;

    private static final double MEAN = 1e-5;

    /** GPT-2 with 124M parameters, and the network's default: 12 layers of ten heads that are 76 wide. */
    private static Gpt2Config config(boolean network) {
        int C = network ? FULL ? 760 : 76 : FULL ? 768 : 48;
        int NH = network ? FULL ? 10 : 1 : FULL ? 12 : 3;
        return FULL ? new Gpt2Config(50257, 1024, C, 12, NH, 1e-5f) : new Gpt2Config(257, 64, C, 2, NH, 1e-5f);
    }

    static Stream<Arguments> models() {
        return Devices.others().flatMap(device -> Stream.of(Arguments.of(device, false), Arguments.of(device, true)));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("models")
    void everyPositionFollowsDoublePrecision(String device, boolean network) {
        Gpt2Config config = config(network);
        int T = FULL ? 64 : 16; // what double precision in plain loops takes a minute for
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 3, 0.02);
        int[] tokens = new SplittableRandom(7).ints(T, 0, config.vocabSize()).toArray();
        Batch batch = Batch.shifted(1, T, tokens);
        double[] exact = new PlainGpt2(config, values).positionLosses(batch.tokens(), batch.targets(), 1, T);
        float[] got;
        try (Engine engine = Engines.open(device, 0)) {
            got = losses(engine, config, values, batch.tokens(), batch.targets(), 1, T);
        }
        double sum = 0;
        for (int t = 0; t < T; t++) {
            double off = Math.abs(got[t] - exact[t]);
            assertThat(off)
                    .as("position %d: %s, expected %s", t, got[t], exact[t])
                    .isLessThanOrEqualTo(LARGEST);
            sum += off;
        }
        System.out.printf("mean distance from double precision: %.3g nats%n", sum / T);
        assertThat(sum / T).as("mean over the positions").isLessThanOrEqualTo(MEAN);
    }

    static Stream<Arguments> precisions() {
        return Devices.others().flatMap(device -> Stream.of(ElementType.F32, ElementType.BF16)
                .map(type -> Arguments.of(device, type)));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("precisions")
    void aSequenceHasTheSameBitsAloneAndAmongMany(String device, ElementType type) {
        Gpt2Config config = config(false);
        int B = FULL ? 64 : 5;
        int T = FULL ? 1024 : 17;
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 3, 0.02);
        int[] tokens = new SplittableRandom(7)
                .ints((long) B * T, 0, config.vocabSize())
                .toArray();
        try (Engine engine = Engines.open(device, 0, type)) {
            float[] together = losses(engine, config, values, tokens, tokens, B, T);
            for (int b : new int[] {0, B / 2, B - 1}) {
                int[] own = Arrays.copyOfRange(tokens, b * T, (b + 1) * T);
                assertThat(losses(engine, config, values, own, own, 1, T))
                        .as("sequence %d of %d", b, B)
                        .isEqualTo(Arrays.copyOfRange(together, b * T, (b + 1) * T));
            }
        }
    }

    private static float[] losses(
            Engine engine, Gpt2Config config, Map<String, double[]> values, int[] tokens, int[] targets, int B, int T) {
        try (Arena arena = Arena.ofConfined();
                Parameters parameters = Parameters.forEvaluation(engine, config, Tensors.of(config, values, arena));
                var model = new Gpt2(engine, config, B, T, false, 0)) {
            return model.positionLosses(parameters, tokens, targets);
        }
    }
}
