package sn9.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.testing.Devices;
import sn9.testing.OnDevice;
import sn9.testing.PlainGpt2;

/** Other engines follow the CPU engine: 20 training steps of a tiny model, a wide one, and padding that stays zero. */
class EngineParityTest {
    private static final Gpt2Config TINY = new Gpt2Config(61, 17, 40, 2, 2, 1e-5f);

    static Stream<String> others() {
        return Devices.all().filter(name -> !name.equals("cpu"));
    }

    private static List<Double> losses(Engine engine, double dropout, int steps) {
        var d = TrainConfig.defaults();
        var settings = new TrainConfig(
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
        var random = new SplittableRandom(4);
        var losses = new ArrayList<Double>();
        try (engine;
                var trainer = Trainer.fresh(engine, TINY, settings, 2, 17)) {
            for (int step = 0; step < steps; step++) {
                Batch batch = Batch.shifted(2, 17, random.ints(34, 0, 61).toArray());
                losses.add(trainer.train(batch).orElseThrow().loss());
            }
        }
        return losses;
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("others")
    void twentyStepsInF32FollowTheCpu(String name) {
        for (double dropout : new double[] {0, 0.1}) {
            List<Double> expected = losses(Engines.open("cpu", 1), dropout, 20);
            List<Double> got = losses(Engines.open(name, 0), dropout, 20);
            for (int step = 0; step < 20; step++) {
                // Rounding noise of 1e-6 at most doubles every few steps at this learning rate.
                assertThat(got.get(step)).as("step %d", step + 1).isCloseTo(expected.get(step), within(1e-4));
            }
        }
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("others")
    void twentyStepsInBf16FollowTheCpu(String name) {
        List<Double> expected = losses(Engines.open("cpu", 1), 0, 20);
        List<Double> got = losses(Engines.open(name, 0, ElementType.BF16), 0, 20);
        assertThat(got).isNotEqualTo(expected);
        for (int step = 0; step < 20; step++) {
            // bf16 keeps 8 bits: 2^-9 relative for each operand, averaged over some ten roundings to 1 % of a loss of
            // 4.
            assertThat(got.get(step)).as("step %d", step + 1).isCloseTo(expected.get(step), within(0.04));
        }
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("others")
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
