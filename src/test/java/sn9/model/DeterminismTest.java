package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.testing.OnDevice;
import sn9.testing.PlainGpt2;

/** The same bits at any number of threads, and for a sequence in any batch and place. */
class DeterminismTest {
    @ParameterizedTest
    @CsvSource({"2, 5, 8, 2, 2, 11", "3, 64, 32, 2, 2, 257", "2, 131, 152, 2, 2, 1031", "1, 300, 80, 1, 1, 600"})
    void bitsDoNotDependOnThreads(int B, int T, int C, int NH, int L, int V) {
        var config = new Gpt2Config(V, T, C, L, NH, 1e-5f);
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 1, 0.2);
        int[] tokens = new SplittableRandom(5).ints((long) B * T, 0, V).toArray();
        var losses = new LinkedHashMap<Integer, Double>();
        var gradients = new LinkedHashMap<Integer, Map<String, float[]>>();
        for (int threads : new int[] {1, 2, 3, 8}) {
            for (double dropout : new double[] {0, 0.1}) {
                try (Engine engine = Engines.open("cpu", threads);
                        var device = new OnDevice(engine, config, values, 0)) {
                    int key = dropout > 0 ? threads + 100 : threads;
                    losses.put(key, device.backward(tokens, tokens, B, T, dropout, 9));
                    gradients.put(key, device.readGradients());
                }
            }
        }
        for (int base : new int[] {1, 101}) {
            for (int threads : new int[] {2, 3, 8}) {
                assertThat(losses.get(base - 1 + threads)).isEqualTo(losses.get(base));
                gradients.get(base).forEach((name, expected) -> assertThat(
                                Arrays.equals(gradients.get(base - 1 + threads).get(name), expected))
                        .as("%s at %d threads", name, threads)
                        .isTrue());
            }
        }
        assertThat(losses.get(101)).as("dropout changes the loss").isNotEqualTo(losses.get(1));
    }

    @ParameterizedTest
    @CsvSource({"1", "17", "64", "129"})
    void aSequenceHasTheSameBitsInEveryBatchAndPlace(int T) {
        var config = new Gpt2Config(500, T, 48, 2, 3, 1e-5f);
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 2, 0.2);
        int[] tokens = new SplittableRandom(5).ints(5L * T, 0, 500).toArray();
        try (Engine engine = Engines.open("cpu", 2);
                var device = new OnDevice(engine, config, values, 0);
                var five = new Gpt2(engine, config, 5, T, false, 0);
                var one = new Gpt2(engine, config, 1, T, false, 0)) {
            double[] together = five.losses(device.parameters, tokens, tokens);
            for (int b = 0; b < 5; b++) {
                int[] alone = Arrays.copyOfRange(tokens, b * T, (b + 1) * T);
                assertThat(one.losses(device.parameters, alone, alone)[0]).isEqualTo(together[b]);
            }
        }
    }
}
