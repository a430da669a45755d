package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.tensor.ElementType;
import sn9.testing.Devices;
import sn9.testing.OnDevice;
import sn9.testing.PlainGpt2;

/** A loss that is no number is none on every engine, in evaluation as in training, whichever tensor spoils it. */
class HostileWeightsTest {
    private static final Gpt2Config CONFIG = new Gpt2Config(61, 7, 40, 1, 2, 1e-5f);
    private static final int[] TOKENS = {5, 60, 0, 5, 17, 33, 2};
    private static final int[] TARGETS = {60, 0, 5, 17, 33, 2, 60};

    /** What is planted, into one element or into all of a tensor. */
    private enum Plant {
        NAN(Double.NaN, false),
        INFINITY(Double.POSITIVE_INFINITY, false),
        ALL_MINUS_INFINITY(Double.NEGATIVE_INFINITY, true),
        HUGE(1e30, false),
        ALL_HUGE(1e30, true),
        ALL_DENORMAL(1e-40, true);

        private final double value;
        private final boolean everywhere;

        Plant(double value, boolean everywhere) {
            this.value = value;
            this.everywhere = everywhere;
        }

        /** The parameters with this in one tensor; a single element is one that these tokens use. */
        Map<String, double[]> into(Map<String, double[]> values, String tensor) {
            var planted = new LinkedHashMap<>(values);
            double[] copy = values.get(tensor).clone();
            if (everywhere) {
                Arrays.fill(copy, value);
            } else {
                copy[3] = value;
            }
            planted.put(tensor, copy);
            return planted;
        }
    }

    static Stream<Arguments> engines() {
        return Devices.all()
                .filter(name -> !name.equals("cpu"))
                .flatMap(name -> Stream.of(Arguments.of(name, ElementType.F32), Arguments.of(name, ElementType.BF16)));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("engines")
    void everyEngineAgreesWithTheCpu(String name, ElementType precision) {
        Map<String, double[]> values = PlainGpt2.randomParameters(CONFIG, 5, 0.2);
        try (Engine cpu = Engines.open("cpu", 1);
                Engine engine = Engines.open(name, 0, precision)) {
            for (Plant plant : Plant.values()) {
                for (String tensor : values.keySet()) {
                    Map<String, double[]> planted = plant.into(values, tensor);
                    double expected = loss(cpu, planted);
                    double got = loss(engine, planted);
                    assertThat(Double.isFinite(got))
                            .as("%s in %s: %s, on the cpu %s", plant, tensor, got, expected)
                            .isEqualTo(Double.isFinite(expected));
                    switch (plant) {
                        case NAN, INFINITY, ALL_MINUS_INFINITY ->
                            assertThat(got).as("%s in %s", plant, tensor).matches(x -> !Double.isFinite(x));
                        case ALL_DENORMAL ->
                            assertThat(got)
                                    .as(tensor)
                                    .isCloseTo(expected, within(precision == ElementType.BF16 ? 0.05 : 1e-5));
                        default -> {}
                    }
                }
            }
        }
    }

    /** The loss of evaluation, after training's was seen to be finite where it is. */
    private static double loss(Engine engine, Map<String, double[]> values) {
        try (var device = new OnDevice(engine, CONFIG, values, 0);
                var model = new Gpt2(engine, CONFIG, 1, TOKENS.length, false, 0)) {
            double evaluated = model.losses(device.parameters, TOKENS, TARGETS)[0];
            double trained = device.backward(TOKENS, TARGETS, 1, TOKENS.length, 0, 0);
            assertThat(Double.isFinite(trained)).isEqualTo(Double.isFinite(evaluated));
            return evaluated;
        }
    }
}
