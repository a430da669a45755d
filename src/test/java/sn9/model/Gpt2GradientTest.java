package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.testing.OnDevice;
import sn9.testing.PlainGpt2;

/** Losses and gradients of whole small models against double precision and central differences of it. */
@ParameterizedClass
@MethodSource("sn9.testing.Devices#all")
class Gpt2GradientTest {
    @Parameter
    private String name;

    private static final double H = 1e-4;

    @ParameterizedTest
    @CsvSource({
        // B, T, C, NH, L, V
        "2, 5, 8, 2, 2, 11", // the tiny model of STYLE section 10
        "1, 1, 8, 1, 1, 3",
        "3, 7, 40, 1, 1, 13", // head width 40
        "1, 9, 64, 1, 1, 17", // 64
        "2, 3, 76, 1, 1, 19", // 76
        "1, 53, 24, 3, 1, 29" // more than one block of queries
    })
    void gradientMatchesFiniteDifference(int B, int T, int C, int NH, int L, int V) {
        var config = new Gpt2Config(V, T + 2, C, L, NH, 1e-5f);
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 7, 0.3);
        var random = new SplittableRandom(3);
        int[] tokens = random.ints((long) B * T, 0, V).toArray();
        int[] targets = random.ints((long) B * T, 0, V).toArray();
        if (T > 1) {
            targets[T - 1] = -1;
        }
        var plain = new PlainGpt2(config, values);
        try (Engine engine = Engines.open(name, 2);
                var device = new OnDevice(engine, config, values, 0.5f)) {
            assertThat(device.backward(tokens, targets, B, T, 0, 0))
                    .isCloseTo(plain.loss(tokens, targets, B, T), within());
            Map<String, float[]> gradients = device.readGradients();
            for (var tensor : values.entrySet()) {
                float[] gradient = gradients.get(tensor.getKey());
                double[] p = tensor.getValue();
                for (int n = 0; n < 12; n++) {
                    int i = random.nextInt(p.length);
                    double old = p[i];
                    p[i] = old + H;
                    double up = plain.loss(tokens, targets, B, T);
                    p[i] = old - H;
                    double down = plain.loss(tokens, targets, B, T);
                    p[i] = old;
                    // Gradients accumulate into a buffer that held 0.5 everywhere.
                    assertThat(gradient[i] - 0.5)
                            .as("%s[%d]", tensor.getKey(), i)
                            .isCloseTo((up - down) / (2 * H), org.assertj.core.data.Offset.offset(3e-5));
                }
            }
        }
    }

    private static org.assertj.core.data.Offset<Double> within() {
        return org.assertj.core.data.Offset.offset(2e-6);
    }
}
