package sn9.checkpoint;

import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.OptionalInt;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;

/** Reads the fields of a {@code config.json}, each with its default, its bounds and its reason to be refused. */
final class HfConfigReader {
    static final StreamReadConstraints BOUNDS = StreamReadConstraints.builder()
            .maxDocumentLength(1 << 20)
            .maxNestingDepth(32)
            .maxNameLength(1024)
            .maxStringLength(1 << 16)
            .maxNumberLength(64)
            .build();

    // Far above every GPT-2 there is (XL: 50257, 1024, 1600, 48, 25), and small enough that no product overflows.
    private static final int MAX_VOCABULARY = 1 << 20;
    private static final int MAX_POSITIONS = 1 << 17;
    private static final int MAX_CHANNELS = 1 << 14;
    private static final int MAX_LAYERS = 1 << 9;

    private final String source;
    private final ObjectNode fields;

    private HfConfigReader(String source, ObjectNode fields) {
        this.source = source;
        this.fields = fields;
    }

    /** Reads a GPT-2's config; see {@link HfConfig#read}. */
    static HfConfig read(String source, ObjectNode fields) throws MalformedDataException {
        return new HfConfigReader(source, fields).config();
    }

    /** Reads the architecture of any model's config; see {@link HfConfig#architecture}. */
    static String architecture(String source, ObjectNode fields) throws MalformedDataException {
        JsonNode names = fields.path("architectures");
        if (!names.isArray() || names.isEmpty() || !names.get(0).isTextual()) {
            throw new MalformedDataException(
                    source, -1, "expected architectures to be a list of names, found " + shown(names));
        }
        return names.get(0).textValue();
    }

    private HfConfig config() throws MalformedDataException {
        String architecture = architecture(source, fields);
        if (!architecture.equals(HfConfig.GPT2)) {
            throw refused("architectures", "\"" + HfConfig.GPT2 + "\"", fields.get("architectures"));
        }
        if (!fields.path("model_type").asText().equals("gpt2")) {
            throw refused("model_type", "\"gpt2\"", fields.path("model_type"));
        }
        Gpt2Config shape = shape();
        checkGraph(shape);
        return new HfConfig(
                architecture,
                shape,
                type(),
                fraction("resid_pdrop", HfConfig.DEFAULT_DROPOUT),
                fraction("embd_pdrop", HfConfig.DEFAULT_DROPOUT),
                fraction("attn_pdrop", HfConfig.DEFAULT_DROPOUT),
                fraction("initializer_range", HfConfig.DEFAULT_INITIALIZER_RANGE),
                token("bos_token_id"),
                token("eos_token_id"));
    }

    private Gpt2Config shape() throws MalformedDataException {
        int vocabSize = size("vocab_size", "vocab_size", Gpt2Config.VOCAB_SIZE, MAX_VOCABULARY);
        int nPositions = size("n_positions", "max_position_embeddings", Gpt2Config.POSITIONS, MAX_POSITIONS);
        int nEmbd = size("n_embd", "hidden_size", 768, MAX_CHANNELS);
        int nLayer = size("n_layer", "num_hidden_layers", 12, MAX_LAYERS);
        int nHead = size("n_head", "num_attention_heads", 12, MAX_CHANNELS);
        if (nEmbd % nHead != 0) {
            throw new MalformedDataException(
                    source, -1, "n_embd is " + nEmbd + ", expected a multiple of n_head, which is " + nHead);
        }
        double epsilon = number("layer_norm_epsilon", 1e-5);
        if (!((float) epsilon > 0) || epsilon >= 1) {
            throw refused("layer_norm_epsilon", "a small positive number", fields.get("layer_norm_epsilon"));
        }
        return new Gpt2Config(vocabSize, nPositions, nEmbd, nLayer, nHead, (float) epsilon);
    }

    /** Refuses whatever would make {@code transformers} compute something else than our graph does. */
    private void checkGraph(Gpt2Config shape) throws MalformedDataException {
        JsonNode inner = fields.path("n_inner");
        if (!absent(inner) && !(inner.isInt() && inner.intValue() == 4 * shape.nEmbd())) {
            throw refused("n_inner", "null or 4 * n_embd = " + 4 * shape.nEmbd(), inner);
        }
        JsonNode activation = fields.path("activation_function");
        boolean tanhGelu = activation.isMissingNode()
                || activation.asText().equals("gelu_new")
                || activation.asText().equals("gelu_pytorch_tanh");
        if (!tanhGelu) {
            throw refused(
                    "activation_function", "gelu_new or gelu_pytorch_tanh, which are the same function", activation);
        }
        require("scale_attn_weights", true, "attention always divides scores by the root of the head width");
        require("scale_attn_by_inverse_layer_idx", false, "attention is scaled alike in all layers");
        require("reorder_and_upcast_attn", false, "attention has one order of operations");
        require("add_cross_attention", false, "there is no encoder to attend to");
        require("tie_word_embeddings", true, "the head is the token embedding");
        refuseIfSet("quantization_config", "parameters are stored as plain floats");
        refuseIfSet("pruned_heads", "all heads are computed");
    }

    private ElementType type() throws MalformedDataException {
        String field = fields.has("torch_dtype") ? "torch_dtype" : "dtype"; // transformers 4, transformers 5
        JsonNode name = fields.path(field);
        if (absent(name)) {
            return ElementType.F32;
        }
        for (ElementType type : ElementType.values()) {
            if (name.isTextual() && name.textValue().equals(HfConfig.torchName(type))) {
                return type;
            }
        }
        throw refused(field, "float32, float16, bfloat16 or float64", name);
    }

    private int size(String name, String alias, int otherwise, int most) throws MalformedDataException {
        String field = fields.has(name) ? name : alias;
        JsonNode value = fields.path(field);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isInt() || value.intValue() < 1 || value.intValue() > most) {
            throw refused(field, "a whole number from 1 to " + most, value);
        }
        if (fields.has(alias) && !fields.get(alias).equals(value)) {
            throw refused(alias, "the same as " + name + ", " + value, fields.get(alias));
        }
        return value.intValue();
    }

    private double number(String name, double otherwise) throws MalformedDataException {
        JsonNode value = fields.path(name);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isNumber()) {
            throw refused(name, "a number", value);
        }
        return value.doubleValue();
    }

    private double fraction(String name, double otherwise) throws MalformedDataException {
        double value = number(name, otherwise);
        if (!(value >= 0 && value < 1)) {
            throw refused(name, "a number from 0 to below 1", fields.get(name));
        }
        return value;
    }

    /** Token ids only guide people and samplers: what is no single id is taken as none. */
    private OptionalInt token(String name) {
        JsonNode value = fields.path(name);
        if (value.isMissingNode()) {
            return OptionalInt.of(Gpt2Config.VOCAB_SIZE - 1);
        }
        return value.isInt() && value.intValue() >= 0 ? OptionalInt.of(value.intValue()) : OptionalInt.empty();
    }

    private void require(String name, boolean expected, String reason) throws MalformedDataException {
        JsonNode value = fields.path(name);
        if (!value.isMissingNode() && !(value.isBoolean() && value.booleanValue() == expected)) {
            throw refused(name, expected + " (" + reason + ")", value);
        }
    }

    private void refuseIfSet(String name, String reason) throws MalformedDataException {
        JsonNode value = fields.path(name);
        if (!absent(value) && !(value.isContainerNode() && value.isEmpty())) {
            throw refused(name, "none (" + reason + ")", value);
        }
    }

    private static boolean absent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }

    private MalformedDataException refused(String name, String expected, JsonNode found) {
        return new MalformedDataException(
                source, -1, "expected " + name + " to be " + expected + ", found " + shown(found));
    }

    private static String shown(JsonNode value) {
        return value.isMissingNode() ? "nothing" : StrictJson.shown(value.toString());
    }
}
