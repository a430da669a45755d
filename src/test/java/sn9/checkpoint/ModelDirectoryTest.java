package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sn9.checkpoint.SafetensorsBytes.zeros;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.Bfloat16;
import sn9.tensor.ElementConversion;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

class ModelDirectoryTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/gpt2-tiny");
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @TempDir
    Path folder;

    private Path dir;

    @BeforeEach
    void chooseDirectory() {
        dir = folder.resolve("model");
    }

    @Test
    void readsTheGoldenModel() throws IOException {
        try (ModelDirectory model = ModelDirectory.open(GOLDEN)) {
            assertThat(model.config()).isEqualTo(new Gpt2Config(257, 64, 32, 2, 2, 1e-5f));
            assertThat(model.parameterCount())
                    .isEqualTo(35_744)
                    .isEqualTo(model.config().parameterCount());
            assertThat(model.nonFinite()).isEmpty();
            assertThat(model.tensors())
                    .extracting(TensorView::name)
                    .containsExactlyElementsOf(
                            ParameterShapes.of(model.config()).keySet());
            assertThat(model.hfConfig().eosTokenId()).hasValue(256);
            assertThatThrownBy(() -> model.tensor("transformer.h.2.ln_1.weight"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("2 layers");
        }
    }

    @Test
    void writesF32BitForBitAsTheReferenceWriterDoes() throws IOException {
        try (ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            ModelDirectory.write(dir, golden.hfConfig(), ElementType.F32, golden.tensors());
            try (ModelDirectory model = ModelDirectory.open(dir)) {
                assertThat(model.hfConfig()).isEqualTo(golden.hfConfig());
                long sum = 0;
                for (Path file : files(dir)) {
                    sum += Files.size(file);
                }
                assertThat(model.bytes()).isEqualTo(sum);
            }
        }
        assertThat(dir.resolve("model.safetensors")).hasSameBinaryContentAs(GOLDEN.resolve("model.safetensors"));
        assertThat(files(dir))
                .extracting(file -> file.getFileName().toString())
                .containsExactly("config.json", "generation_config.json", "model.safetensors");
        assertThat(dir.resolve("generation_config.json")).content().contains("\"eos_token_id\" : 256");
        assertThat(files(folder)).containsExactly(dir);
    }

    @Test
    void writesBf16WithinHalfAPlace() throws IOException {
        try (ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            ModelDirectory.write(dir, golden.hfConfig(), ElementType.BF16, golden.tensors());
            try (ModelDirectory model = ModelDirectory.open(dir)) {
                assertThat(model.hfConfig().type()).isEqualTo(ElementType.BF16);
                for (TensorView expected : golden.tensors()) {
                    TensorView found = model.tensor(expected.name());
                    assertThat(found.type()).isEqualTo(ElementType.BF16);
                    MemorySegment widened = MemorySegment.ofArray(new float[(int) found.elements()]);
                    ElementConversion.toF32(found.type(), found.data(), widened, found.elements());
                    for (long i = 0; i < found.elements(); i++) {
                        float value = expected.data().get(FLOAT, 4 * i);
                        assertThat(widened.get(FLOAT, 4 * i))
                                .isEqualTo(Bfloat16.toFloat(Bfloat16.fromFloat(value)))
                                .isBetween(value - Math.abs(value) / 256, value + Math.abs(value) / 256);
                    }
                }
            }
        }
    }

    @Test
    void replacesAModelAndKeepsTheReadme() throws IOException {
        try (ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            ModelDirectory.write(dir, golden.hfConfig(), ElementType.F32, golden.tensors());
            Files.writeString(dir.resolve("README.md"), "about");
            try (ModelDirectory open = ModelDirectory.open(dir)) {
                ModelDirectory.write(dir, golden.hfConfig(), ElementType.BF16, open.tensors());
                assertThat(open.nonFinite()).as("a reader keeps what it opened").isEmpty();
            }
        }
        assertThat(dir.resolve("README.md")).hasContent("about");
        try (ModelDirectory model = ModelDirectory.open(dir)) {
            assertThat(model.hfConfig().type()).isEqualTo(ElementType.BF16);
        }
        assertThat(files(folder)).containsExactly(dir);
    }

    /** A crash between the two renames of a replacement leaves the model beside its place. */
    @Test
    void readsAModelThatACrashLeftBesideItsPlace() throws IOException {
        try (ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            ModelDirectory.write(dir, golden.hfConfig(), ElementType.F32, golden.tensors());
            Files.move(dir, folder.resolve(".model.old"));
            Files.createDirectory(folder.resolve(".model.new"));
            ModelDirectory.open(dir).close();
            ModelDirectory.write(dir, golden.hfConfig(), ElementType.F32, golden.tensors());
            ModelDirectory.open(dir).close();
            assertThat(folder).isDirectoryNotContaining("glob:**/.*");
        }
    }

    @Test
    void takesNamesWithoutPrefixAnEqualHeadAndOldMasks() throws IOException {
        write(tensors -> {
            tensors.replaceAll(t -> renamed(t, t.name().substring("transformer.".length())));
            tensors.add(renamed(tensors.getFirst(), "lm_head.weight"));
            tensors.add(zeros("h.0.attn.bias", ElementType.BOOL, 1, 1, 64, 64));
            tensors.add(zeros("h.1.attn.bias", ElementType.F32, 1, 1, 64, 64));
            tensors.add(zeros("h.1.attn.masked_bias", ElementType.F32));
            return tensors;
        });
        try (ModelDirectory model = ModelDirectory.open(dir);
                ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            assertThat(model.parameterCount()).isEqualTo(35_744);
            for (TensorView expected : golden.tensors()) {
                assertThat(model.tensor(expected.name()).data().mismatch(expected.data()))
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void refusesTensorsThatDoNotFit() throws IOException {
        assertRefused("expected a tensor transformer.wpe.weight [64, 32], found none", tensors -> {
            tensors.remove(1);
            return tensors;
        });
        assertRefused("holds 1 tensors that are no parameters of this GPT-2, such as transformer.h.2.x", tensors -> {
            tensors.add(zeros("transformer.h.2.x", ElementType.F32, 1));
            return tensors;
        });
        assertRefused("expected a tensor transformer.wpe.weight", tensors -> {
            tensors.set(1, renamed(tensors.get(1), "wpe.weight"));
            return tensors;
        });
        assertRefused("names must all begin with transformer. or none", tensors -> {
            tensors.add(renamed(tensors.get(1), "wpe.weight"));
            return tensors;
        });
        assertRefused(
                "wpe.weight to be F32, F16, BF16 or F64 [64, 32] as config.json says, found F32 [32, 64]", tensors -> {
                    tensors.set(1, zeros("transformer.wpe.weight", ElementType.F32, 32, 64));
                    return tensors;
                });
        assertRefused("found I32 [64, 32]", tensors -> {
            tensors.set(1, zeros("transformer.wpe.weight", ElementType.I32, 64, 32));
            return tensors;
        });
        assertRefused("expected lm_head.weight to be bit for bit transformer.wte.weight", tensors -> {
            tensors.add(zeros("lm_head.weight", ElementType.F32, 257, 32));
            return tensors;
        });
        assertRefused("expected lm_head.weight to be bit for bit", tensors -> {
            tensors.add(zeros("lm_head.weight", ElementType.BF16, 257, 32));
            return tensors;
        });
    }

    @Test
    void refusesParametersInADtypeThatCannotBeRead() {
        var others = Map.of("transformer.wte.weight", "F8_E4M3");
        assertThatThrownBy(() -> Gpt2Tensors.resolve("m", Gpt2Config.of(1, 1, 8), Map.of(), others))
                .hasMessage("m: expected transformer.wte.weight to be F32, F16, BF16 or F64, found F8_E4M3");
    }

    @Test
    void namesTheFirstNumberThatIsNotFinite() throws IOException {
        write(tensors -> {
            var bad = new float[32];
            bad[7] = Float.NEGATIVE_INFINITY;
            bad[9] = Float.NaN;
            tensors.set(
                    5,
                    new TensorView(
                            tensors.get(5).name(),
                            ElementType.F32,
                            new long[] {96},
                            MemorySegment.ofArray(Arrays.copyOf(bad, 96))));
            return tensors;
        });
        try (ModelDirectory model = ModelDirectory.open(dir)) {
            assertThat(model.nonFinite()).hasValue("transformer.h.0.attn.c_attn.bias[7]");
        }
    }

    @Test
    void readsShards() throws IOException {
        shards("""
            {"metadata": {"total_size": 142976}, "weight_map": {%s}}\
            """);
        try (ModelDirectory model = ModelDirectory.open(dir)) {
            assertThat(model.parameterCount()).isEqualTo(35_744);
            assertThat(model.nonFinite()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"480, 12", "760, 10"})
    void readsGenerationAsModelsWithoutAConfig(int width, int heads) throws IOException {
        var shape = new Gpt2Config(20, 8, width, 1, heads, 1e-5f);
        try (Arena arena = Arena.ofConfined()) {
            var tensors = ParameterShapes.of(shape).entrySet().stream()
                    .map(entry -> {
                        long elements = Arrays.stream(entry.getValue()).reduce(1, Math::multiplyExact);
                        return new TensorView(
                                entry.getKey(), ElementType.F32, entry.getValue(), arena.allocate(4 * elements, 64));
                    })
                    .toList();
            Files.createDirectories(dir);
            SafetensorsWriter.writeF32As(ElementType.F32, dir.resolve("model.safe"), Map.of(), tensors);
        }
        try (ModelDirectory model = ModelDirectory.open(dir)) {
            assertThat(model.config()).isEqualTo(shape);
            assertThat(model.parameterCount()).isEqualTo(shape.parameterCount());
        }
    }

    @Test
    void readsAStateDictByItsOldName() throws IOException {
        Files.createDirectories(dir);
        Files.copy(GOLDEN.resolveSibling("torch/tiny.pth"), dir.resolve("model.pth"));
        assertOpenFails("without one only the models of generation A can be read");
        Files.copy(GOLDEN.resolve("config.json"), dir.resolve("config.json"));
        try (ModelDirectory model = ModelDirectory.open(dir);
                ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            assertThat(model.config()).isEqualTo(golden.config());
        }
    }

    @Test
    void refusesIndexesThatLie() throws IOException {
        shards("{\"weight_map\": {%s, \"transformer.extra\": \"model-00001-of-00002.safetensors\"}}");
        assertOpenFails("expected tensor transformer.extra as the index says");
        String index = Files.readString(dir.resolve("model.safetensors.index.json"));
        writeIndex(index.replace("transformer.extra", "transformer.ln_f.bias")
                .replaceFirst("\"transformer.ln_f.bias\": \"[^\"]*\",", "")
                .replaceFirst(", \"transformer.ln_f.bias\": \"[^\"]*\"", ""));
        assertOpenFails("holds tensor transformer.ln_f.bias, which the index does not map to it");
        writeIndex("{\"weight_map\": {\"a\": \"../model.safetensors\"}}");
        assertOpenFails("expected a to be in a .safetensors file of this directory, found \"../model.safetensors\"");
        writeIndex("{\"weight_map\": {\"a\": \"/etc/passwd\"}}");
        assertOpenFails("found \"/etc/passwd\"");
        writeIndex("{\"weight_map\": {\"a\": \"nowhere.safetensors\"}}");
        assertOpenFails("nowhere.safetensors: no such file");
        writeIndex("{\"weight_map\": []}");
        assertOpenFails("expected weight_map to be an object");
        Files.delete(dir.resolve("model.safetensors.index.json"));
        assertOpenFails(
                "expected one of model.safetensors, model.safetensors.index.json, pytorch_model.bin, model.safe,"
                        + " model.pth, found none");
    }

    @Test
    void refusesToWriteWhatIsNoModel() throws IOException {
        try (ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            HfConfig config = golden.hfConfig();
            List<TensorView> tensors = new ArrayList<>(golden.tensors());
            assertThatThrownBy(() -> ModelDirectory.write(dir, config, ElementType.F16, tensors))
                    .hasMessageContaining("not as F16");
            tensors.add(tensors.getFirst());
            assertThatThrownBy(() -> ModelDirectory.write(dir, config, ElementType.F32, tensors))
                    .hasMessageContaining("twice");
            tensors.set(tensors.size() - 1, renamed(tensors.getFirst(), "lm_head.weight"));
            assertThatThrownBy(() -> ModelDirectory.write(dir, config, ElementType.F32, tensors))
                    .hasMessageContaining("parameters only");
            assertThatThrownBy(() -> ModelDirectory.write(dir, config, ElementType.F32, List.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("expected a tensor");
        }
        assertThat(files(folder)).isEmpty();
    }

    /** Writes the golden model's directory with its tensors edited. */
    private void write(UnaryOperator<List<TensorView>> edit) throws IOException {
        Files.createDirectories(dir);
        try (ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            golden.hfConfig().write(dir.resolve("config.json"));
            Collection<TensorView> tensors = edit.apply(new ArrayList<>(golden.tensors()));
            Safetensors.write(dir.resolve("model.safetensors"), Map.of("format", "pt"), tensors);
        }
    }

    private void assertRefused(String reason, UnaryOperator<List<TensorView>> edit) throws IOException {
        write(edit);
        assertOpenFails(reason);
    }

    private void assertOpenFails(String reason) {
        assertThatThrownBy(() -> ModelDirectory.open(dir).close())
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining(reason);
    }

    /** Writes the golden model in two shards; the index gets its entries for {@code %s}. */
    private void shards(String index) throws IOException {
        Files.createDirectories(dir);
        try (ModelDirectory golden = ModelDirectory.open(GOLDEN)) {
            golden.hfConfig().write(dir.resolve("config.json"));
            var all = new ArrayList<>(golden.tensors());
            var entries = new ArrayList<String>();
            for (int shard = 1; shard <= 2; shard++) {
                String name = "model-0000" + shard + "-of-00002.safetensors";
                List<TensorView> part = shard == 1 ? all.subList(0, 11) : all.subList(11, all.size());
                Safetensors.write(dir.resolve(name), Map.of("format", "pt"), part);
                part.forEach(tensor -> entries.add("\"" + tensor.name() + "\": \"" + name + "\""));
            }
            writeIndex(index.formatted(String.join(",", entries.reversed())));
        }
    }

    private void writeIndex(String json) throws IOException {
        Files.writeString(dir.resolve("model.safetensors.index.json"), json);
    }

    private static TensorView renamed(TensorView tensor, String name) {
        return new TensorView(name, tensor.type(), tensor.shape(), tensor.data());
    }

    private static List<Path> files(Path dir) throws IOException {
        try (var entries = Files.list(dir)) {
            return entries.sorted().toList();
        }
    }
}
