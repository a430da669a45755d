package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.tensor.ElementType;
import sn9.testing.Golden;
import sn9.testing.PlainGpt2;
import sn9.testing.Roundoff;
import sn9.testing.Tensors;

/**
 * The loss of every position against double precision, in f32 and bf16 on every engine. A mean over positions hides what
 * low precision does: bf16's is right to four digits where its positions are off by hundredths (docs/numerics.md).
 */
class PositionLossTest {
    /** Of every logit in the shifted model, about. */
    private static final double SHIFT = -96;

    private static final int SAMPLES = 32;

    /** A model, what it is run on, and the truth about that. */
    private record Case(Gpt2Config config, Map<String, double[]> parameters, List<Batch> batches, double[][] exact) {
        static Case of(Gpt2Config config, Map<String, double[]> parameters, List<Batch> batches) {
            var plain = new PlainGpt2(config, parameters);
            return new Case(
                    config,
                    parameters,
                    batches,
                    batches.stream()
                            .map(b -> plain.positionLosses(b.tokens(), b.targets(), b.B(), b.T()))
                            .toArray(double[][]::new));
        }
    }

    /** How far an engine is from the truth, in nats over all predictions of a case. */
    private record Distance(double largest, double mean, double ofMean) {
        boolean keeps(double largestAllowed, double meanAllowed) {
            return largest <= largestAllowed && mean <= meanAllowed;
        }
    }

    private static Case golden() throws IOException {
        try (Golden golden = Golden.open()) {
            return Case.of(golden.config(), golden.parameters(), golden.evaluated());
        }
    }

    /**
     * The same function with a large number in common to all logits of a position: a vector added to every row of wte and
     * taken from every row of wpe changes no embedding, and no loss.
     */
    private static Case shifted(Case plain) {
        int C = plain.config.nEmbd();
        Batch batch = plain.batches.getFirst();
        var direction = new double[C]; // mean of what the head multiplies
        for (double[] row :
                new PlainGpt2(plain.config, plain.parameters).hidden(batch.tokens(), batch.targets(), batch.T())) {
            for (int c = 0; c < C; c++) {
                direction[c] += row[c] / batch.T();
            }
        }
        double square = 0;
        for (double d : direction) {
            square += d * d;
        }
        var parameters = new LinkedHashMap<>(plain.parameters);
        for (String name : List.of("transformer.wte.weight", "transformer.wpe.weight")) {
            double factor = (name.contains("wte") ? SHIFT : -SHIFT) / square;
            double[] values = plain.parameters.get(name).clone();
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (values[i] + factor * direction[i % C]);
            }
            parameters.put(name, values);
        }
        return Case.of(plain.config, parameters, plain.batches);
    }

    private static double[][] run(Engine engine, Case c) {
        var losses = new double[c.batches.size()][];
        try (Arena arena = Arena.ofConfined();
                Parameters parameters =
                        Parameters.forEvaluation(engine, c.config, Tensors.of(c.config, c.parameters, arena))) {
            for (int i = 0; i < losses.length; i++) {
                Batch batch = c.batches.get(i);
                try (var model = new Gpt2(engine, c.config, batch.B(), batch.T(), false, 0)) {
                    float[] got = model.positionLosses(parameters, batch.tokens(), batch.targets());
                    losses[i] = new double[got.length];
                    for (int t = 0; t < got.length; t++) {
                        losses[i][t] = got[t];
                    }
                }
            }
        }
        return losses;
    }

    private static Distance distance(Case c, double[][] losses) {
        double largest = 0;
        double sum = 0;
        double signed = 0;
        double loss = 0;
        int predictions = 0;
        for (int i = 0; i < losses.length; i++) {
            for (int t = 0; t < losses[i].length; t++) {
                double delta = losses[i][t] - c.exact[i][t];
                assertThat(delta).as("batch %d, position %d", i, t).isFinite();
                largest = Math.max(largest, Math.abs(delta));
                sum += Math.abs(delta);
                signed += delta;
                loss += c.exact[i][t];
            }
            predictions += c.batches.get(i).predictions();
        }
        return new Distance(largest, sum / predictions, Math.abs(signed / loss));
    }

    @ParameterizedTest
    @MethodSource("sn9.testing.Devices#all")
    void f32KeepsEveryPosition(String device) throws IOException {
        Case plain = golden();
        Case shifted = shifted(plain);
        try (Engine engine = Engines.open(device, 2)) {
            Distance distance = distance(plain, run(engine, plain));
            assertThat(distance.keeps(5e-5, 1e-5)).as("%s", distance).isTrue();
            assertThat(distance.ofMean).as("the mean, relative").isLessThanOrEqualTo(2e-6);
            distance = distance(shifted, run(engine, shifted));
            assertThat(distance.keeps(3e-4, 5e-5)).as("shifted: %s", distance).isTrue();
            assertThat(distance.ofMean).as("the mean, relative").isLessThanOrEqualTo(2e-6);
        }
    }

    @Test
    void theShiftKeepsTheFunction() throws IOException {
        Case plain = golden();
        Case shifted = shifted(plain);
        for (int i = 0; i < plain.exact.length; i++) {
            for (int t = 0; t < plain.exact[i].length; t++) {
                assertThat(shifted.exact[i][t]).isCloseTo(plain.exact[i][t], offset(1e-5));
            }
        }
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("sn9.testing.Devices#bf16")
    void bf16StaysWithinItsRoundoff(String device) throws IOException {
        Case plain = golden();
        try (Engine engine = Engines.open(device, 0, ElementType.BF16)) {
            for (Case c : List.of(plain, shifted(plain))) {
                double[][] losses = run(engine, c);
                expectWithinRoundoff(c, losses, SAMPLES);
                // Otherwise these bounds could not tell f32 from bf16.
                assertThat(distance(c, losses).keeps(3e-4, 5e-5))
                        .as("bf16 passes for f32")
                        .isFalse();
            }
        }
    }

    /** The network's default width at two layers: heads of 76, every size padded on the GPU. */
    @ParameterizedTest
    @MethodSource("sn9.testing.Devices#all")
    void theNetworksWidth(String device) {
        var config = new Gpt2Config(61, 8, 760, 2, 10, 1e-5f);
        int[] tokens = new SplittableRandom(1).ints(4, 0, 61).toArray();
        Case wide = Case.of(config, PlainGpt2.randomParameters(config, 6, 0.02), List.of(Batch.shifted(1, 4, tokens)));
        try (Engine engine = Engines.open(device, 2)) {
            Distance distance = distance(wide, run(engine, wide));
            assertThat(distance.keeps(5e-5, 1e-5)).as("%s", distance).isTrue();
        }
        if (!device.equals("cpu")) {
            try (Engine engine = Engines.open(device, 0, ElementType.BF16)) {
                expectWithinRoundoff(wide, run(engine, wide), 6);
            }
        }
    }

    private static void expectWithinRoundoff(Case c, double[][] losses, int samples) {
        for (int i = 0; i < losses.length; i++) {
            Batch batch = c.batches.get(i);
            // The mean of all positions goes last: it is an average of their errors, and so less than these.
            double[] bound = Roundoff.bound(
                    withMean(c.exact[i], batch),
                    samples,
                    rounding -> withMean(
                            new PlainGpt2(c.config, c.parameters, rounding)
                                    .positionLosses(batch.tokens(), batch.targets(), batch.B(), batch.T()),
                            batch));
            double[] got = withMean(losses[i], batch);
            double[] wanted = withMean(c.exact[i], batch);
            for (int t = 0; t < got.length; t++) {
                assertThat(got[t]).as("batch %d, position %d", i, t).isCloseTo(wanted[t], offset(bound[t]));
            }
        }
    }

    private static double[] withMean(double[] losses, Batch batch) {
        var all = new double[losses.length + 1];
        for (int t = 0; t < losses.length; t++) {
            all[t] = losses[t];
            all[losses.length] += losses[t] / batch.predictions();
        }
        return all;
    }
}
