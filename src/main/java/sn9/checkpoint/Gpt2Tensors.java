package sn9.checkpoint;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.TensorView;

/**
 * Finds the parameters of a GPT-2 among the tensors of its files, whatever variant of the names they use (spec/hub.md
 * section 8): with or without {@code transformer.} in front, with or without a copy of the tied head, with or without
 * the causal masks that old versions stored.
 */
final class Gpt2Tensors {
    private static final String PREFIX = "transformer.";
    private static final String HEAD = "lm_head.weight";
    private static final String EMBEDDING = PREFIX + "wte.weight";

    /** Buffers that old files carry; they are no parameters and nobody reads them. */
    private static final Pattern MASK = Pattern.compile("(transformer\\.)?h\\.\\d{1,4}\\.attn\\.(bias|masked_bias)");

    private final String source;
    private final Map<String, TensorView> tensors;
    private final Map<String, String> otherTensors;

    private Gpt2Tensors(String source, Map<String, TensorView> tensors, Map<String, String> otherTensors) {
        this.source = source;
        this.tensors = tensors;
        this.otherTensors = otherTensors;
    }

    /**
     * The parameters under the names of {@link ParameterShapes}, in its order.
     *
     * @param source what to call the model in messages
     * @param tensors all readable tensors of its files
     * @param otherTensors name to dtype of those that cannot be read
     * @throws MalformedDataException when a parameter is missing, has another shape or no float type, when an unknown
     *     tensor is there, or when the head differs from the embedding it should be tied to
     */
    static Map<String, TensorView> resolve(
            String source, Gpt2Config shape, Map<String, TensorView> tensors, Map<String, String> otherTensors)
            throws MalformedDataException {
        return new Gpt2Tensors(source, tensors, otherTensors).resolve(shape);
    }

    private Map<String, TensorView> resolve(Gpt2Config shape) throws MalformedDataException {
        Set<String> unclaimed = new HashSet<>(tensors.keySet());
        unclaimed.addAll(otherTensors.keySet());
        unclaimed.removeIf(name -> MASK.matcher(name).matches());
        unclaimed.remove(HEAD);
        boolean prefixed = unclaimed.stream().anyMatch(name -> name.startsWith(PREFIX));

        var parameters = new LinkedHashMap<String, TensorView>();
        for (Map.Entry<String, long[]> expected : ParameterShapes.of(shape).entrySet()) {
            String name = expected.getKey();
            String stored = prefixed ? name : name.substring(PREFIX.length());
            unclaimed.remove(stored);
            TensorView found = parameter(stored, expected.getValue());
            parameters.put(name, new TensorView(name, found.type(), found.shape(), found.data()));
        }
        if (!unclaimed.isEmpty()) {
            throw fault("holds " + unclaimed.size() + " tensors that are no parameters of this GPT-2, such as "
                    + StrictJson.shown(Collections.min(unclaimed))
                    + (prefixed ? " (names must all begin with " + PREFIX + " or none)" : ""));
        }
        checkHead(parameters.get(EMBEDDING));
        return Collections.unmodifiableMap(parameters);
    }

    private TensorView parameter(String name, long[] shape) throws MalformedDataException {
        TensorView found = tensors.get(name);
        if (found == null) {
            String dtype = otherTensors.get(name);
            throw fault(
                    dtype == null
                            ? "expected a tensor " + name + " " + Arrays.toString(shape) + ", found none"
                            : "expected " + name + " to be F32, F16, BF16 or F64, found " + dtype);
        }
        if (!found.type().isFloat() || !Arrays.equals(found.shape(), shape)) {
            throw fault("expected " + name + " to be F32, F16, BF16 or F64 " + Arrays.toString(shape)
                    + " as config.json says, found " + found.type() + " " + Arrays.toString(found.shape()));
        }
        return found;
    }

    private void checkHead(TensorView embedding) throws MalformedDataException {
        TensorView head = tensors.get(HEAD);
        boolean present = head != null || otherTensors.containsKey(HEAD);
        boolean tied = head != null
                && head.type() == embedding.type()
                && Arrays.equals(head.shape(), embedding.shape())
                && head.data().mismatch(embedding.data()) == -1;
        if (present && !tied) {
            throw fault("expected " + HEAD + " to be bit for bit " + EMBEDDING + ", to which config.json ties it");
        }
    }

    private MalformedDataException fault(String reason) {
        return new MalformedDataException(source, -1, reason);
    }
}
