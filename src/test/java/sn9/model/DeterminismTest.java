package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.tensor.ElementType;
import sn9.testing.Devices;
import sn9.testing.HostBuild;
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

    static Stream<Arguments> engines() {
        return Devices.all().flatMap(device -> Stream.of(ElementType.F32, ElementType.BF16)
                .filter(type -> type == ElementType.F32 || !device.equals("cpu"))
                .flatMap(type -> IntStream.of(device.equals("cpu") ? new int[] {1, 17, 64, 129} : new int[] {17, 65})
                        .mapToObj(T -> Arguments.of(device, type, T))));
    }

    @ParameterizedTest
    @MethodSource("engines")
    void aSequenceHasTheSameBitsInEveryBatchAndPlace(String device, ElementType type, int T) {
        var config = new Gpt2Config(500, T, 48, 2, 3, 1e-5f);
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 2, 0.2);
        int[] tokens = new SplittableRandom(5).ints(5L * T, 0, 500).toArray();
        try (Engine engine = Engines.open(device, 2, type);
                var on = new OnDevice(engine, config, values, 0)) {
            float[][] together = losses(engine, on, tokens, T, 0, 1, 2, 3, 4);
            int[][] batches = {{0}, {1}, {2}, {3}, {4}, {4, 1}, {0, 4}, {2, 0, 3}, {3, 2, 1}, {1, 3, 4, 2, 0}};
            for (int[] batch : batches) {
                float[][] got = losses(engine, on, tokens, T, batch);
                for (int b = 0; b < batch.length; b++) {
                    assertThat(got[b])
                            .as("sequence %d in the batch of %s", batch[b], Arrays.toString(batch))
                            .isEqualTo(together[batch[b]]);
                }
            }
        }
    }

    /** The loss of each position of some of the sequences, run as one batch. */
    private static float[][] losses(Engine engine, OnDevice on, int[] tokens, int T, int... sequences) {
        int B = sequences.length;
        var ids = new int[B * T];
        for (int b = 0; b < B; b++) {
            System.arraycopy(tokens, sequences[b] * T, ids, b * T, T);
        }
        try (var model = new Gpt2(engine, on.config, B, T, false, 0)) {
            float[] losses = model.positionLosses(on.parameters, ids, ids);
            return IntStream.range(0, B)
                    .mapToObj(b -> Arrays.copyOfRange(losses, b * T, (b + 1) * T))
                    .toArray(float[][]::new);
        }
    }

    /**
     * Blocks and warps in any order, background copies landing at any time: the same bits. A seed draws another order for
     * every launch; it also moves what fast functions give, and so stays the same here.
     */
    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"F32", "BF16"})
    void bitsDoNotDependOnTheOrderOfBlocks(ElementType type) {
        assumeTrue(Devices.all().anyMatch("cudahost"::equals), "the host build plays these orders");
        int B = 2;
        int T = 65;
        var config = new Gpt2Config(140, T, 40, 2, 1, 1e-5f);
        Map<String, double[]> values = PlainGpt2.randomParameters(config, 1, 0.2);
        int[] tokens = new SplittableRandom(5).ints((long) B * T, 0, 140).toArray();
        Double loss = null;
        Map<String, float[]> gradients = null;
        for (String landing : List.of("seeded", "wait", "issue", "seeded")) {
            try (var _ = HostBuild.with("seed", 4711);
                    var _ = HostBuild.with("cp_async", landing);
                    Engine engine = Engines.open("cudahost", 0, type);
                    var device = new OnDevice(engine, config, values, 0)) {
                double got = device.backward(tokens, tokens, B, T, 0.1, 9);
                Map<String, float[]> gotGradients = device.readGradients();
                if (loss != null) {
                    assertThat(got).as("loss, copies landing: %s", landing).isEqualTo(loss);
                    gradients.forEach((name, expected) -> assertThat(Arrays.equals(gotGradients.get(name), expected))
                            .as("%s, copies landing: %s", name, landing)
                            .isTrue());
                }
                loss = got;
                gradients = gotGradients;
            }
        }
    }
}
