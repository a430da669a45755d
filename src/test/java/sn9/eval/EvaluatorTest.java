package sn9.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.model.Gpt2Config;
import sn9.testing.HostBuild;
import sn9.testing.TinyModel;

/** Many models over the same batches: what is kept, loaded early or captured changes no bit of any loss. */
@ParameterizedClass
@MethodSource("sn9.testing.Devices#all")
class EvaluatorTest {
    private static final Gpt2Config SHAPE = new Gpt2Config(97, 16, 24, 2, 3, 1e-5f);
    private static final Gpt2Config LARGER = new Gpt2Config(97, 16, 80, 3, 2, 1e-5f);
    private static final Duration LONG = Duration.ofMinutes(10);

    @Parameter
    String device;

    @TempDir
    Path dir;

    private static List<Batch> batches(int count, long seed) {
        var random = new SplittableRandom(seed);
        return IntStream.range(0, count)
                .mapToObj(_ -> Batch.shifted(2, 16, random.ints(32, 0, 97).toArray()))
                .toList();
    }

    private ModelDirectory model(Gpt2Config shape, long seed) throws IOException {
        return ModelDirectory.open(TinyModel.write(dir.resolve("model-" + seed), shape, seed, 0.5));
    }

    /** The losses of a model evaluated alone on an engine that has seen nothing else. */
    private double[] alone(ModelDirectory model, List<Batch> batches) throws Exception {
        try (Engine engine = Engines.open(device, 2);
                var evaluator = new Evaluator(engine)) {
            return evaluator.losses(model, batches, LONG);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, seeded", "4, seeded", "6, seeded", "1, eldest", "6, eldest", "1, youngest", "6, youngest"})
    void modelsLoadedEarlyHaveTheLossesOfModelsAlone(int count, String ahead) throws Exception {
        List<Batch> batches = batches(count, 1);
        var models = new ArrayList<ModelDirectory>();
        for (int i = 0; i < 6; i++) {
            models.add(model(i == 3 ? LARGER : SHAPE, i));
        }
        // The host build lets one stream lag behind the other: by turns, or as far as the events between them allow.
        try (var _ = device.equals("cudahost") ? HostBuild.with("seed", count) : null;
                var _ = device.equals("cudahost") ? HostBuild.with("streams", ahead) : null;
                Engine engine = Engines.open(device, 2);
                var evaluator = new Evaluator(engine)) {
            for (int i = 0; i < models.size(); i++) {
                if (i + 1 < models.size()) {
                    evaluator.announce(models.get(i + 1));
                }
                assertThat(evaluator.losses(models.get(i), batches, LONG))
                        .as("model %d", i)
                        .isEqualTo(alone(models.get(i), batches));
            }
            // Other batches of another length, and a model that was not announced.
            List<Batch> others = batches(count + 2, 2);
            evaluator.announce(models.get(5));
            assertThat(evaluator.losses(models.get(1), others, LONG)).isEqualTo(alone(models.get(1), others));
            assertThat(evaluator.losses(models.get(0), others, LONG)).isEqualTo(alone(models.get(0), others));
        }
        models.forEach(ModelDirectory::close);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 6})
    void aBrokenAnnouncedModelFailsAloneAndInItsTurn(int count) throws Exception {
        List<Batch> batches = batches(count, 1);
        Path broken = TinyModel.write(dir.resolve("broken"), SHAPE, 7, 0.5);
        try (var channel = FileChannel.open(broken.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
            var nan = java.nio.ByteBuffer.allocate(4)
                    .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                    .putFloat(Float.NaN);
            channel.write(nan.flip(), channel.size() - 4);
        }
        try (Engine engine = Engines.open(device, 2);
                var evaluator = new Evaluator(engine);
                var good = model(SHAPE, 1);
                var bad = ModelDirectory.open(broken)) {
            evaluator.announce(bad);
            double[] expected = alone(good, batches);
            assertThat(evaluator.losses(good, batches, LONG)).isEqualTo(expected);
            evaluator.announce(good);
            assertThatThrownBy(() -> evaluator.losses(bad, batches, LONG))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("not finite");
            assertThat(evaluator.losses(good, batches, LONG)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 9})
    void aModelThatTakesTooLongLeavesNothingBehind(int count) throws Exception {
        List<Batch> batches = batches(count, 1);
        try (Engine engine = Engines.open(device, 2);
                var evaluator = new Evaluator(engine);
                var slow = model(SHAPE, 1);
                var other = model(SHAPE, 2)) {
            evaluator.announce(other);
            assertThatThrownBy(() -> evaluator.losses(slow, batches, Duration.ZERO))
                    .isInstanceOf(EvaluationTimeoutException.class);
            assertThat(evaluator.losses(other, batches, LONG)).isEqualTo(alone(other, batches));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {97, -1})
    void anIdOutsideOfTheVocabularyIsRefused(int id) throws Exception {
        int[] tokens = new int[32];
        tokens[5] = id;
        try (Engine engine = Engines.open(device, 2);
                var evaluator = new Evaluator(engine);
                var model = model(SHAPE, 1)) {
            assertThatThrownBy(() -> evaluator.losses(model, List.of(Batch.shifted(2, 16, tokens)), LONG))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("token " + id);
        }
    }
}
