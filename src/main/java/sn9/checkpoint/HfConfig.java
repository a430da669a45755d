package sn9.checkpoint;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import sn9.files.AtomicFiles;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;

/**
 * Hugging Face's {@code config.json} of a GPT-2 with a language-model head (spec/hub.md section 8). Only models that the
 * graph of {@code sn9.model} computes can be expressed; a config that asks for anything else is refused when read.
 *
 * @param architecture the class named in {@code architectures}
 * @param shape sizes and epsilon
 * @param type what {@code torch_dtype} says the parameters are stored in
 * @param residPdrop dropout of the residual branches in training, 0 to below 1
 * @param embdPdrop dropout of the embedding
 * @param attnPdrop dropout of the attention probabilities
 * @param initializerRange standard deviation of fresh parameters
 * @param bosTokenId first token of a text, empty when the config names none
 * @param eosTokenId last token of a text, empty when the config names none
 */
public record HfConfig(
        String architecture,
        Gpt2Config shape,
        ElementType type,
        double residPdrop,
        double embdPdrop,
        double attnPdrop,
        double initializerRange,
        OptionalInt bosTokenId,
        OptionalInt eosTokenId) {
    /** The one architecture that can be computed here. */
    public static final String GPT2 = "GPT2LMHeadModel";

    static final double DEFAULT_DROPOUT = 0.1;
    static final double DEFAULT_INITIALIZER_RANGE = 0.02;

    private static final Map<ElementType, String> TORCH_NAMES = Map.of(
            ElementType.F32, "float32",
            ElementType.F16, "float16",
            ElementType.BF16, "bfloat16",
            ElementType.F64, "float64");

    /** Checks the values; throws {@link IllegalArgumentException} with what was found. */
    public HfConfig {
        if (!architecture.equals(GPT2) || !type.isFloat()) {
            throw new IllegalArgumentException(
                    "expected " + GPT2 + " in a float type, got " + architecture + " in " + type);
        }
        fraction("resid_pdrop", residPdrop);
        fraction("embd_pdrop", embdPdrop);
        fraction("attn_pdrop", attnPdrop);
        fraction("initializer_range", initializerRange);
    }

    /**
     * The config of a model of ours: Hugging Face's defaults, no dropout. Text begins and ends with the last token of
     * the vocabulary, which in GPT-2's own is 50256.
     *
     * @param type what the parameters are stored in
     */
    public static HfConfig of(Gpt2Config shape, ElementType type) {
        var lastToken = OptionalInt.of(shape.vocabSize() - 1);
        return new HfConfig(GPT2, shape, type, 0, 0, 0, DEFAULT_INITIALIZER_RANGE, lastToken, lastToken);
    }

    /**
     * Reads a {@code config.json}. Fields that are absent have Hugging Face's defaults.
     *
     * @throws sn9.MalformedDataException when it is not strict JSON of at most 1 MiB, no GPT-2 with a language-model
     *     head, has sizes out of bounds, or asks for something the graph does not compute; the message names the field
     * @throws IOException when the file cannot be read
     */
    public static HfConfig read(Path configJson) throws IOException {
        return HfConfigReader.read(configJson.toString(), StrictJson.readObject(configJson, HfConfigReader.BOUNDS));
    }

    /**
     * The first name in {@code architectures} of any model's {@code config.json}, not only a GPT-2's.
     *
     * @throws sn9.MalformedDataException when it is not strict JSON of at most 1 MiB or names no architecture
     * @throws IOException when the file cannot be read
     */
    public static String architecture(Path configJson) throws IOException {
        return HfConfigReader.architecture(
                configJson.toString(), StrictJson.readObject(configJson, HfConfigReader.BOUNDS));
    }

    /** The {@code torch_dtype} that stands for a type, or null for types no parameter is stored in. */
    static String torchName(ElementType type) {
        return TORCH_NAMES.get(type);
    }

    /** This config for parameters stored in another type. */
    public HfConfig withType(ElementType type) {
        return new HfConfig(
                architecture, shape, type, residPdrop, embdPdrop, attnPdrop, initializerRange, bosTokenId, eosTokenId);
    }

    /**
     * Writes a {@code config.json} that {@code transformers} reads as it is; atomic.
     *
     * @throws IOException when writing failed; what was there before is then untouched
     */
    public void write(Path configJson) throws IOException {
        AtomicFiles.write(configJson, json(fields()));
    }

    /**
     * Writes the {@code generation_config.json} that belongs to this config; atomic.
     *
     * @throws IOException when writing failed; what was there before is then untouched
     */
    public void writeGeneration(Path generationConfigJson) throws IOException {
        var fields = new TreeMap<String, Object>();
        fields.put("_from_model_config", true);
        putToken(fields, "bos_token_id", bosTokenId);
        putToken(fields, "eos_token_id", eosTokenId);
        AtomicFiles.write(generationConfigJson, json(fields));
    }

    /** Every field that {@code transformers} writes for this model, in its order, but its own version. */
    private Map<String, Object> fields() {
        var fields = new TreeMap<String, Object>();
        fields.put("activation_function", "gelu_new");
        fields.put("add_cross_attention", false);
        fields.put("architectures", List.of(architecture));
        fields.put("attn_pdrop", decimal(Double.toString(attnPdrop)));
        putToken(fields, "bos_token_id", bosTokenId);
        fields.put("embd_pdrop", decimal(Double.toString(embdPdrop)));
        putToken(fields, "eos_token_id", eosTokenId);
        fields.put("initializer_range", decimal(Double.toString(initializerRange)));
        fields.put("layer_norm_epsilon", decimal(Float.toString(shape.layerNormEpsilon())));
        fields.put("model_type", "gpt2");
        fields.put("n_embd", shape.nEmbd());
        fields.put("n_head", shape.nHead());
        fields.put("n_inner", null);
        fields.put("n_layer", shape.nLayer());
        fields.put("n_positions", shape.nPositions());
        fields.put("reorder_and_upcast_attn", false);
        fields.put("resid_pdrop", decimal(Double.toString(residPdrop)));
        fields.put("scale_attn_by_inverse_layer_idx", false);
        fields.put("scale_attn_weights", true);
        fields.put("summary_activation", null);
        fields.put("summary_first_dropout", decimal("0.1"));
        fields.put("summary_proj_to_labels", true);
        fields.put("summary_type", "cls_index");
        fields.put("summary_use_proj", true);
        fields.put("tie_word_embeddings", true);
        fields.put("torch_dtype", torchName(type));
        fields.put("use_cache", true);
        fields.put("vocab_size", shape.vocabSize());
        return fields;
    }

    private static void putToken(Map<String, Object> fields, String name, OptionalInt token) {
        fields.put(name, token.isPresent() ? token.getAsInt() : null);
    }

    /** A number that is written without an exponent where that is readable: 0.000010. */
    private static BigDecimal decimal(String number) {
        return new BigDecimal(number);
    }

    private static byte[] json(Map<String, Object> fields) throws IOException {
        var indenter = new DefaultIndenter("  ", "\n");
        var printer = new DefaultPrettyPrinter().withObjectIndenter(indenter).withArrayIndenter(indenter);
        String text = new JsonMapper().writer(printer).writeValueAsString(fields);
        return (text + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static void fraction(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(name + " is " + value + ", expected 0 or more and less than 1");
        }
    }
}
