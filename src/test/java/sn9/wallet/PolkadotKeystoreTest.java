package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sn9.MalformedDataException;

class PolkadotKeystoreTest {
    private static final String EXPORTED = new String(GoldenKeyfile.read("polkadot-js.json"), StandardCharsets.UTF_8);

    @Test
    void opensAnExportWithItsPasswordOnly() throws Exception {
        try (var key = read(EXPORTED, GoldenKeyfile.PASSWORD)) {
            assertThat(key.address()).isEqualTo(GoldenKeyfile.ADDRESS);
        }
        assertThatThrownBy(() -> read(EXPORTED, "wrong")).isInstanceOf(WrongPasswordException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "\"3\", \"2\", version 3",
        "scrypt, none, an export with a password",
        "sr25519, ed25519, 'pkcs8, sr25519'",
        "\"encoded\", \"decoded\", a whole secretbox",
        "12bzRJ, 12bzRK, not of the address",
        "{, [, not JSON"
    })
    void refusesWhatItWouldMisread(String text, String instead, String reason) {
        String changed = EXPORTED.replaceFirst(Pattern.quote(text), instead);
        assertThat(changed).isNotEqualTo(EXPORTED);
        assertThatThrownBy(() -> read(changed, GoldenKeyfile.PASSWORD))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageStartingWith("keystore")
                .hasMessageContaining(reason);
    }

    /** N, p and r stand at 32, 36 and 40 of what is encoded. */
    @ParameterizedTest
    @CsvSource({"34, 4", "35, 127", "32, 1", "37, 1", "39, -1", "40, 9", "36, 0"})
    void refusesACostThatWouldTakeTheMachine(int at, byte value) {
        var encoded = Pattern.compile("\"encoded\": \"([^\"]*)\"").matcher(EXPORTED);
        assertThat(encoded.find()).isTrue();
        byte[] bytes = Base64.getDecoder().decode(encoded.group(1));
        bytes[at] = value;
        String changed = EXPORTED.replace(encoded.group(1), Base64.getEncoder().encodeToString(bytes));
        assertThatThrownBy(() -> read(changed, GoldenKeyfile.PASSWORD))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("scrypt with N a power of two up to 131072");
    }

    private static Keypair read(String json, String password) throws Exception {
        return PolkadotKeystore.read("keystore", json.getBytes(StandardCharsets.UTF_8), password.toCharArray());
    }
}
