package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;

class HfConfigTest {
    private static final String MINIMAL =
            "{\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"],\"n_embd\":32,\"n_head\":2}";

    @TempDir
    Path folder;

    @Test
    void absentFieldsHaveTheDefaultsOfHuggingFace() throws IOException {
        HfConfig config = read("{\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"]}");
        assertThat(config.shape()).isEqualTo(Gpt2Config.of(12, 12, 768));
        assertThat(config.type()).isEqualTo(ElementType.F32);
        assertThat(config.attnPdrop()).isEqualTo(0.1);
        assertThat(config.initializerRange()).isEqualTo(0.02);
        assertThat(config.eosTokenId()).hasValue(50256);
    }

    @ParameterizedTest
    @CsvSource({"hidden_size, n_embd", "max_position_embeddings, n_positions", "num_hidden_layers, n_layer"})
    void takesAliasesAndRefusesTwoAnswers(String alias, String name) throws IOException {
        HfConfig config = read(edit(MINIMAL, name, null, alias, "64"));
        assertThat(new int[] {
                    config.shape().nEmbd(),
                    config.shape().nPositions(),
                    config.shape().nLayer()
                })
                .contains(64);
        assertThatThrownBy(() -> read(edit(MINIMAL, name, "128", alias, "64")))
                .hasMessageContaining("expected " + alias + " to be the same as " + name);
    }

    @Test
    void takesBothNamesOfTheSameActivationAndBothOfTheType() throws IOException {
        assertThat(read(edit(MINIMAL, "activation_function", "\"gelu_pytorch_tanh\"")))
                .isEqualTo(read(edit(MINIMAL, "activation_function", "\"gelu_new\"")));
        assertThat(read(edit(MINIMAL, "torch_dtype", "\"bfloat16\"")))
                .isEqualTo(read(edit(MINIMAL, "dtype", "\"bfloat16\"")))
                .extracting(HfConfig::type)
                .isEqualTo(ElementType.BF16);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "model_type | 'llama' | expected model_type to be 'gpt2', found 'llama'",
                "architectures | ['LlamaForCausalLM'] | GPT2LMHeadModel",
                "architectures | [] | list of names",
                "architectures | null | list of names",
                "activation_function | 'gelu' | expected activation_function to be gelu_new or gelu_pytorch_tanh",
                "activation_function | null | activation_function",
                "n_inner | 100 | null or 4 * n_embd = 128, found 100",
                "n_embd | 0 | whole number from 1 to 16384",
                "n_embd | 1000000000 | whole number from 1 to 16384",
                "n_embd | 99999999999999999999 | whole number from 1",
                "n_embd | 32.0 | whole number from 1",
                "n_embd | '32' | whole number from 1",
                "n_embd | 33 | multiple of n_head",
                "n_layer | -1 | whole number from 1 to 512",
                "n_layer | 513 | whole number from 1 to 512",
                "n_layer | null | whole number from 1 to 512",
                "n_positions | 1048577 | whole number from 1 to",
                "vocab_size | 2000000 | whole number from 1 to",
                "layer_norm_epsilon | 0 | small positive",
                "layer_norm_epsilon | 1e-60 | small positive",
                "layer_norm_epsilon | 1e400 | small positive",
                "layer_norm_epsilon | 'x' | a number",
                "attn_pdrop | 1.5 | from 0 to below 1",
                "attn_pdrop | null | a number",
                "scale_attn_weights | false | root of the head width",
                "scale_attn_by_inverse_layer_idx | true | scaled alike in all layers",
                "reorder_and_upcast_attn | true | one order of operations",
                "reorder_and_upcast_attn | 1 | one order of operations",
                "add_cross_attention | true | no encoder",
                "tie_word_embeddings | false | the head is the token embedding",
                "quantization_config | {'bits': 4} | plain floats",
                "pruned_heads | {'0': [1]} | all heads",
                "torch_dtype | 'int8' | float32, float16, bfloat16 or float64",
            })
    void refusesWhatTheGraphDoesNotCompute(String field, String value, String reason) throws IOException {
        String json = edit(MINIMAL, field, value.replace('\'', '"'));
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining(reason.replace('\'', '"'));
    }

    @ParameterizedTest
    @ValueSource(strings = {"n_inner:null", "n_inner:128", "pruned_heads:{}", "bos_token_id:null", "n_ctx:7", "x:[{}]"})
    void takesWhatChangesNothing(String field) throws IOException {
        String[] parts = field.split(":", 2);
        assertThat(read(edit(MINIMAL, parts[0], parts[1])).shape().nEmbd()).isEqualTo(32);
    }

    /** M stands for a config that is accepted, m for the same without its braces. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "1",
                "[M]",
                "{m",
                "Mx",
                "M M",
                "{m,}",
                "{m,\"n_embd\":32}",
                "{m,\"x\":NaN}",
                "{m,'x':1}",
                "{m,\"x\":{\"a\":1,\"a\":2}}",
                "{m,\"x\":01}",
                "{m,\"x\":\"\t\"}",
                "/**/M",
                "\ufeffM"
            })
    void refusesWhatIsNoStrictJsonObject(String form) throws IOException {
        assertThat(read(MINIMAL).shape().nEmbd()).isEqualTo(32);
        String json = form.replace("M", MINIMAL).replace("{m", "{" + MINIMAL.substring(1, MINIMAL.length() - 1));
        assertThatThrownBy(() -> read(json)).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void refusesDeepLongAndForeignBytes() throws IOException {
        assertThatThrownBy(() -> read("{\"a\":" + "[".repeat(1000))).hasMessageContaining("nesting depth");
        assertThatThrownBy(() -> read("{\"a\":\"" + "x".repeat(1 << 20) + "\"}"))
                .hasMessageContaining("at most 1048576 bytes");
        Path file = Files.write(folder.resolve("config.json"), "{\"\u00e9\":1}".getBytes(StandardCharsets.UTF_16LE));
        assertThatThrownBy(() -> HfConfig.read(file)).hasMessageContaining("config.json at byte");
        assertThatThrownBy(() -> HfConfig.read(folder.resolve("none"))).hasMessageContaining("no such file");
    }

    @Test
    void theArchitectureOfAnyModelCanBeRead() throws IOException {
        Path file = write("{\"architectures\":[\"MistralForCausalLM\"],\"hidden_size\":4096}");
        assertThat(HfConfig.architecture(file)).isEqualTo("MistralForCausalLM");
        Path none = write("{\"model_type\":\"mistral\"}");
        assertThatThrownBy(() -> HfConfig.architecture(none)).hasMessageContaining("list of names, found nothing");
    }

    @Test
    void writesEveryFieldOfHuggingFace() throws IOException {
        Path file = folder.resolve("config.json");
        HfConfig.of(new Gpt2Config(257, 64, 32, 2, 2, 1e-5f), ElementType.BF16).write(file);
        assertThat(file).content().isEqualTo("""
            {
              "activation_function" : "gelu_new",
              "add_cross_attention" : false,
              "architectures" : [
                "GPT2LMHeadModel"
              ],
              "attn_pdrop" : 0.0,
              "bos_token_id" : 256,
              "embd_pdrop" : 0.0,
              "eos_token_id" : 256,
              "initializer_range" : 0.02,
              "layer_norm_epsilon" : 0.000010,
              "model_type" : "gpt2",
              "n_embd" : 32,
              "n_head" : 2,
              "n_inner" : null,
              "n_layer" : 2,
              "n_positions" : 64,
              "reorder_and_upcast_attn" : false,
              "resid_pdrop" : 0.0,
              "scale_attn_by_inverse_layer_idx" : false,
              "scale_attn_weights" : true,
              "summary_activation" : null,
              "summary_first_dropout" : 0.1,
              "summary_proj_to_labels" : true,
              "summary_type" : "cls_index",
              "summary_use_proj" : true,
              "tie_word_embeddings" : true,
              "torch_dtype" : "bfloat16",
              "use_cache" : true,
              "vocab_size" : 257
            }
            """);
    }

    @Property(tries = 200, seed = "3")
    void readsWhatItWrote(
            @ForAll @IntRange(min = 1, max = 64) int heads,
            @ForAll @IntRange(min = 1, max = 128) int headSize,
            @ForAll @IntRange(min = 1, max = 512) int layers,
            @ForAll @IntRange(min = 1, max = 1 << 20) int vocabulary,
            @ForAll @IntRange(min = 1, max = 100_000_000) int billionths,
            @ForAll @DoubleRange(max = 0.99) double dropout,
            @ForAll @IntRange(min = 0, max = 3) int type,
            @ForAll boolean eos)
            throws IOException {
        var shape = new Gpt2Config(vocabulary, 1024, heads * headSize, layers, heads, billionths * 1e-9f);
        var end = eos ? OptionalInt.of(vocabulary - 1) : OptionalInt.empty();
        var config = new HfConfig(
                HfConfig.GPT2, shape, ElementType.values()[type], dropout, 0.1, dropout / 3, 0.02, end, end);
        Path file = Files.createTempFile("config", ".json");
        try {
            config.write(file);
            assertThat(HfConfig.read(file)).isEqualTo(config);
        } finally {
            Files.delete(file);
        }
    }

    private HfConfig read(String json) throws IOException {
        return HfConfig.read(write(json));
    }

    private Path write(String json) throws IOException {
        return Files.writeString(folder.resolve("config.json"), json);
    }

    /** The JSON with fields set, by pairs of name and JSON value; null as the value removes the field. */
    private static String edit(String json, String... fields) throws IOException {
        var mapper = new JsonMapper();
        var object = (ObjectNode) mapper.readTree(json);
        for (int i = 0; i < fields.length; i += 2) {
            if (fields[i + 1] == null) {
                object.remove(fields[i]);
            } else {
                object.putRawValue(fields[i], new RawValue(fields[i + 1]));
            }
        }
        return mapper.writeValueAsString(object);
    }
}
