package sn9.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.checkpoint.ModelDirectory;
import sn9.checkpoint.Safetensors;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;
import sn9.testing.Devices;
import sn9.testing.Golden;
import sn9.testing.HostBuild;
import sn9.testing.Tensors;

/**
 * The loss of every position of a plain, a trained and a shifted model, against an independent float64 implementation
 * ({@code golden/GOLDEN.md}), in every arithmetic that calls itself fp32; bf16 and tf32 miss the same bounds.
 */
class GoldenPositionTest {
    private static final Path TRAINED = Golden.resource("gpt2-trained");
    private static final List<String> MODELS = List.of("plain", "trained", "shifted");

    /** What fp32 may be off by, in nats; the mean over positions as a share of itself (docs/numerics.md). */
    private record Bounds(double mean, double largest) {
        static final double OF_MEAN = 2e-6;

        static Bounds of(String model) {
            return model.equals("shifted") ? new Bounds(5e-5, 3e-4) : new Bounds(1e-5, 5e-5);
        }

        /** Where products are of f32 themselves: twice what plain f32 elsewhere was off by. */
        static Bounds ofF32(String model) {
            return model.equals("shifted") ? new Bounds(1.6e-5, 8e-5) : new Bounds(1e-6, 4e-6);
        }
    }

    /** How far losses are from the exact ones. */
    private record Distance(double mean, double largest, double ofMean) {
        static Distance between(double[] losses, double[] exact) {
            double sum = 0;
            double largest = 0;
            double signed = 0;
            double loss = 0;
            for (int i = 0; i < exact.length; i++) {
                double off = losses[i] - exact[i];
                assertThat(off).as("position %d", i).isFinite();
                sum += Math.abs(off);
                largest = Math.max(largest, Math.abs(off));
                signed += off;
                loss += exact[i];
            }
            return new Distance(sum / exact.length, largest, Math.abs(signed) / loss);
        }

        boolean within(Bounds bounds) {
            return mean <= bounds.mean && largest <= bounds.largest && ofMean <= Bounds.OF_MEAN;
        }
    }

    private static Map<String, double[]> parameters(String model) throws IOException {
        var values = new LinkedHashMap<String, double[]>();
        try (ModelDirectory directory =
                ModelDirectory.open(model.equals("plain") ? Golden.resource("gpt2-tiny") : TRAINED)) {
            for (TensorView tensor : directory.tensors()) {
                values.put(tensor.name(), Golden.doubles(tensor));
            }
        }
        if (model.equals("shifted")) {
            try (Safetensors shifted = Safetensors.open(TRAINED.resolve("shifted.safetensors"))) {
                for (TensorView tensor : shifted.tensors().values()) {
                    values.put(tensor.name(), Golden.doubles(tensor));
                }
            }
        }
        return values;
    }

    private static double[] expected(String name) throws IOException {
        try (Safetensors file = Safetensors.open(TRAINED.resolve("expected.safetensors"))) {
            return Golden.doubles(file.tensor(name));
        }
    }

    private static Distance distance(Engine engine, String name) throws IOException {
        Map<String, double[]> values = parameters(name);
        int C = values.get("transformer.ln_f.bias").length;
        var config = new Gpt2Config(257, 64, C, 2, 2, 1e-5f);
        int[] tokens;
        int[] targets;
        try (Safetensors file = Safetensors.open(TRAINED.resolve("expected.safetensors"))) {
            tokens = Golden.ints(file.tensor("tokens"));
            targets = Golden.ints(file.tensor("targets"));
        }
        try (Arena arena = Arena.ofConfined();
                Parameters parameters = Parameters.forEvaluation(engine, config, Tensors.of(config, values, arena));
                var model = new Gpt2(engine, config, tokens.length / 64, 64, false, 0)) {
            float[] got = model.positionLosses(parameters, tokens, targets);
            var losses = new double[got.length];
            for (int i = 0; i < got.length; i++) {
                losses[i] = got[i];
            }
            return Distance.between(losses, expected(name));
        }
    }

    private static void expectWithin(Engine engine, String what) throws IOException {
        for (String model : MODELS) {
            Distance distance = distance(engine, model);
            System.out.printf("%s, %s: %s%n", what, model, distance);
            boolean split = "bf16x3".equals(engine.properties().get("fp32"));
            assertThat(distance.within(split ? Bounds.of(model) : Bounds.ofF32(model)))
                    .as("%s, %s model: %s", what, model, distance)
                    .isTrue();
        }
    }

    static Stream<String> realDevices() {
        return Devices.all().filter(device -> !device.equals("cudahost"));
    }

    @ParameterizedTest
    @MethodSource("realDevices")
    void fp32KeepsEveryPosition(String device) throws IOException {
        try (Engine engine = Engines.open(device, 2)) {
            expectWithin(engine, device + " " + engine.properties().getOrDefault("fp32", ""));
        }
    }

    /** Each kind of device computes as the table in cuda/device.cu says, and sums of tensor cores may be truncated. */
    @ParameterizedTest
    @CsvSource({
        "sm_80, rn, bf16x3",
        "sm_80, rz, bf16x3",
        "sm_90, rz, bf16x3",
        "sm_100, rz, bf16x3",
        "sm_86, rz, simt",
        "sm_89, rn, simt",
        "sm_120, rz, simt"
    })
    void everyKindOfGpuKeepsEveryPosition(String profile, String rounding, String fp32) throws IOException {
        assumeTrue(Devices.all().anyMatch("cudahost"::equals), "the host build plays these devices");
        try (var _ = HostBuild.with("profile", profile);
                var _ = HostBuild.with("rounding", rounding);
                Engine engine = Engines.open("cudahost", 0)) {
            assertThat(engine.properties()).containsEntry("fp32", fp32);
            expectWithin(engine, "%s %s %s".formatted(profile, rounding, fp32));
        }
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("sn9.testing.Devices#bf16")
    void bf16WouldBeFound(String device) throws IOException {
        try (Engine engine = Engines.open(device, 0, ElementType.BF16)) {
            for (String model : MODELS) {
                Distance distance = distance(engine, model);
                assertThat(distance.mean > Bounds.of(model).mean && distance.largest > Bounds.of(model).largest)
                        .as("bf16 misses both bounds of a position, %s model: %s", model, distance)
                        .isTrue();
            }
        }
    }

    @Test
    void tf32WouldBeFound() throws IOException {
        for (String model : MODELS) {
            Distance distance = Distance.between(expected("tf32." + model), expected(model));
            assertThat(distance.mean > Bounds.of(model).mean && distance.largest > Bounds.of(model).largest)
                    .as("tf32 misses both bounds of a position, %s model: %s", model, distance)
                    .isTrue();
        }
    }
}
