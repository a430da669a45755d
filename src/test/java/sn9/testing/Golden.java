package sn9.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.checkpoint.ModelDirectory;
import sn9.checkpoint.Safetensors;
import sn9.data.Batch;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;
import sn9.train.TrainConfig;

/**
 * The golden GPT-2 (golden/GOLDEN.md). {@code -Dsn9.golden=DIR} names another directory of the same form.
 *
 * @param model its parameters
 * @param expected what an independent float64 implementation found
 */
public record Golden(Path directory, ModelDirectory model, Safetensors tokens, JsonNode expected)
        implements AutoCloseable {
    /** Opens the files. */
    public static Golden open() throws IOException {
        String named = System.getProperty("sn9.golden", "");
        Path directory = named.isEmpty() ? resource("gpt2-tiny") : Path.of(named);
        return new Golden(
                directory,
                ModelDirectory.open(directory),
                Safetensors.open(directory.resolve("tokens.safetensors")),
                new ObjectMapper().readTree(directory.resolve("expected.json").toFile()));
    }

    /** A directory of the golden files that the tests bring. */
    public static Path resource(String name) {
        try {
            return Path.of(Golden.class.getResource("/golden/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The model's shape. */
    public Gpt2Config config() {
        return model.config();
    }

    /** The parameters by name. */
    public Map<String, double[]> parameters() {
        var values = new LinkedHashMap<String, double[]>();
        for (TensorView tensor : model.tensors()) {
            values.put(tensor.name(), doubles(tensor));
        }
        return values;
    }

    /** The settings of its three AdamW steps. */
    public TrainConfig settings() {
        JsonNode hyper = expected.get("hyper");
        return new TrainConfig(
                hyper.get("lr").asDouble(),
                TrainConfig.Schedule.CONSTANT,
                0,
                1,
                hyper.get("beta1").asDouble(),
                hyper.get("beta2").asDouble(),
                hyper.get("eps").asDouble(),
                hyper.get("weight_decay").asDouble(),
                false,
                hyper.get("grad_clip").asDouble(),
                1,
                0,
                1);
    }

    /** Another file of the directory. */
    public Safetensors file(String name) throws IOException {
        return Safetensors.open(directory.resolve(name));
    }

    /** The batches that are evaluated. */
    public List<Batch> evaluated() throws IOException {
        return List.of(batch("eval.0"), batch("eval.1"), batch("eval.2"), batch("batch.0"));
    }

    /** A batch by name. */
    public Batch batch(String name) throws IOException {
        TensorView tensor = tokens.tensor(name);
        long[] shape = tensor.shape();
        int B = shape.length == 2 ? (int) shape[0] : 1;
        return Batch.shifted(B, (int) shape[shape.length - 1], ints(tensor));
    }

    /** An integer tensor's elements. */
    public static int[] ints(TensorView tensor) {
        var values = new int[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (int) tensor.data().get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i);
        }
        return values;
    }

    /** A tensor's elements. */
    public static double[] doubles(TensorView tensor) {
        var values = new double[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensor.type() == ElementType.F64
                    ? tensor.data().get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i)
                    : tensor.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
        }
        return values;
    }

    @Override
    public void close() {
        tokens.close();
        model.close();
    }
}
