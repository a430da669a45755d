package sn9.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import sn9.checkpoint.Safetensors;
import sn9.data.Batch;
import sn9.tensor.TensorView;

/** The double-precision model that engines are held against agrees with an independent one; what roundoff bounds mean. */
class PlainGpt2Test {
    private static final double F32_FILE = 0x1p-23; // gradients and parameters were rounded to f32 once

    private Golden golden;

    @BeforeEach
    void open() throws IOException {
        golden = Golden.open();
    }

    @AfterEach
    void close() {
        golden.close();
    }

    @Test
    void lossesAndGradientsAreTheGoldenOnes() throws IOException {
        var plain = new PlainGpt2(golden.config(), golden.parameters());
        JsonNode losses = golden.expected().get("eval_loss_per_sequence");
        for (int i = 0; i < losses.size(); i++) {
            Batch batch = golden.batch("eval." + i);
            assertThat(plain.loss(batch.tokens(), batch.targets(), batch.B(), batch.T()))
                    .isCloseTo(losses.get(i).asDouble(), offset(1e-11)); // our layernorm's epsilon is an f32
        }
        Batch batch = golden.batch("batch.0");
        var gradients = new LinkedHashMap<String, double[]>();
        golden.parameters().forEach((name, values) -> gradients.put(name, new double[values.length]));
        plain.backward(batch.tokens(), batch.targets(), batch.B(), batch.T(), gradients);
        try (Safetensors file = golden.file("grads.safetensors")) {
            for (TensorView tensor : file.tensors().values()) {
                double[] wanted = Golden.doubles(tensor);
                double largest = Arrays.stream(wanted).map(Math::abs).max().orElseThrow();
                assertThat(gradients.get(tensor.name()))
                        .as(tensor.name())
                        .usingComparatorWithPrecision(F32_FILE * largest + 1e-11)
                        .containsExactly(wanted);
            }
        }
    }

    @Test
    void threeAdamwStepsAreTheGoldenOnes() throws IOException {
        var training = new PlainTraining(golden.config(), golden.parameters(), golden.settings(), value -> value);
        training.train(List.of(golden.batch("batch.0"), golden.batch("batch.1"), golden.batch("batch.2")));
        Batch batch = golden.batch("batch.0");
        assertThat(new PlainGpt2(golden.config(), training.parameters())
                        .loss(batch.tokens(), batch.targets(), batch.B(), batch.T()))
                .isCloseTo(golden.expected().get("batch0_loss_mean_after_step3").asDouble(), offset(1e-9));
    }

    /** Real rounding to bf16 keeps the bounds that random errors gave; with two bits fewer it does not. */
    @Test
    void boundsHoldForBf16AndForNothingCoarser() throws IOException {
        Map<String, double[]> parameters = golden.parameters();
        Batch batch = golden.batch("batch.0");
        double[] exact = losses(parameters, batch, value -> value);
        double[] bound = Roundoff.bound(exact, 32, rounding -> losses(parameters, batch, rounding));
        double[] bf16 = losses(parameters, batch, value -> rounded(value, 8));
        double[] coarser = losses(parameters, batch, value -> rounded(value, 6));
        boolean broken = false;
        for (int i = 0; i < exact.length; i++) {
            assertThat(bf16[i]).as("position %d", i).isCloseTo(exact[i], offset(bound[i]));
            broken |= Math.abs(coarser[i] - exact[i]) > bound[i];
        }
        assertThat(broken).as("six bits are too few").isTrue();
    }

    private double[] losses(Map<String, double[]> parameters, Batch batch, DoubleUnaryOperator rounding) {
        return new PlainGpt2(golden.config(), parameters, rounding)
                .positionLosses(batch.tokens(), batch.targets(), batch.B(), batch.T());
    }

    /** To the nearest number of some significant bits. */
    private static double rounded(double value, int bits) {
        double unit = Math.scalb(1, Math.getExponent(value) - bits + 1);
        return Math.rint(value / unit) * unit;
    }
}
