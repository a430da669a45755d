package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.tensor.ElementType;

class GoldenFilesTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");
    private static final Pattern ROW = Pattern.compile("\\| `([0-9a-f]{64})` \\| `(\\S+)` \\|");

    @ParameterizedTest
    @ValueSource(strings = {"gpt2-tiny", "gpt2-trained", "torch"})
    void areTheFilesThatTheirListDescribes(String name) throws IOException, NoSuchAlgorithmException {
        String section = Files.readString(GOLDEN.resolve("GOLDEN.md"))
                .split("\n## " + name + "\n")[1]
                .split("\n## ")[0];
        Map<String, String> listed = ROW.matcher(section)
                .results()
                .collect(Collectors.toMap(row -> row.group(2), (MatchResult row) -> row.group(1)));
        Path set = GOLDEN.resolve(name);
        assertThat(set.toFile().list()).containsExactlyInAnyOrderElementsOf(listed.keySet());
        for (Map.Entry<String, String> row : listed.entrySet()) {
            byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(set.resolve(row.getKey())));
            assertThat(HexFormat.of().formatHex(sha256)).as(row.getKey()).isEqualTo(row.getValue());
        }
    }

    @Test
    void openWithTheShapesTheyClaim() throws IOException {
        try (Safetensors tokens = Safetensors.open(GOLDEN.resolve("gpt2-tiny/tokens.safetensors"));
                Safetensors logits = Safetensors.open(GOLDEN.resolve("gpt2-tiny/logits.safetensors"))) {
            assertThat(tokens.tensor("batch.2").toString()).isEqualTo("batch.2 I64[3, 64]");
            assertThat(logits.tensor("eval.0.logits").shape()).containsExactly(7, 257);
            assertThat(logits.tensor("eval.0.logits").type()).isEqualTo(ElementType.F64);
        }
        for (String name : new String[] {"grads", "params_step1", "params_step3"}) {
            try (Safetensors file = Safetensors.open(GOLDEN.resolve("gpt2-tiny/" + name + ".safetensors"))) {
                assertThat(file.tensors()).hasSize(28);
                assertThat(file.tensor("transformer.wte.weight").shape()).containsExactly(257, 32);
            }
        }
    }
}
