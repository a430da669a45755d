package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class KeyfileEncryptionTest {
    private static final byte[] NACL_FILE =
            KeyVectors.hex(KeyVectors.of("keyfileNacl").get("fileHex").asText());
    private static final byte[] NACL_KEY =
            KeyVectors.hex(KeyVectors.of("keyfileNacl").get("derivedKey").asText());
    private static final byte[] NACL_CONTENT =
            KeyVectors.of("keyfileNacl").get("plaintextUtf8").asText().getBytes(StandardCharsets.UTF_8);

    @Test
    void sealsAsLibsodiumDoes() {
        byte[] nonce = Arrays.copyOfRange(NACL_FILE, 5, 29);
        byte[] box = Arrays.copyOfRange(NACL_FILE, 29, NACL_FILE.length);
        assertThat(SecretBox.seal(NACL_KEY, nonce, NACL_CONTENT)).isEqualTo(box);
        assertThat(SecretBox.open(NACL_KEY, nonce, box)).isEqualTo(NACL_CONTENT);
    }

    @Property(tries = 200)
    void aBoxOpensUnlessABitOfItIsChanged(
            @ForAll @Size(32) byte[] key,
            @ForAll @Size(24) byte[] nonce,
            @ForAll @Size(max = 300) byte[] content,
            @ForAll @IntRange(max = 8 * 16 - 1) int bit) {
        byte[] box = SecretBox.seal(key, nonce, content);
        assertThat(SecretBox.open(key, nonce, box)).isEqualTo(content);
        box[box.length - 1 - bit / 8] ^= (byte) (1 << bit % 8);
        assertThat(SecretBox.open(key, nonce, box)).isNull();
        assertThat(SecretBox.open(key, nonce, Arrays.copyOf(box, 15))).isNull();
    }

    @Test
    void opensAnsibleVaults() throws Exception {
        byte[] file = GoldenKeyfile.read("ansible-vault");
        byte[] content = decrypt(file, GoldenKeyfile.PASSWORD);
        assertThat(content).isEqualTo(GoldenKeyfile.read("python-era.json"));
        assertThatThrownBy(() -> decrypt(file, "wrong"))
                .isInstanceOf(WrongPasswordException.class)
                .hasMessageContaining("the password is wrong");
    }

    @Test
    @Tag("slow") // ten million rounds
    void opensFernetTokens() throws Exception {
        assertThat(decrypt(GoldenKeyfile.read("fernet"), GoldenKeyfile.PASSWORD))
                .isEqualTo(GoldenKeyfile.read("python-era.json"));
    }

    @Test
    void opensFernetTokensByTheirKey() throws Exception {
        byte[] token = FernetKeyfile.token("x", GoldenKeyfile.read("fernet"));
        byte[] key = Base64.getUrlDecoder().decode("GgdrrsP52KmM8Et5Jv3mFlDM7w4-iGjruvLWhq3FMdY=");
        assertThat(FernetKeyfile.open("x", token, key)).isEqualTo(GoldenKeyfile.read("python-era.json"));
        assertThatThrownBy(() -> FernetKeyfile.open("x", token, new byte[32]))
                .isInstanceOf(WrongPasswordException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "$NACL",
                "$NACLtooshort",
                "$ANSIBLE_VAULT;1.1;AES256",
                "$ANSIBLE_VAULT;1.1;AES\n00",
                "$ANSIBLE_VAULT;1.1;AES256\nzz",
                "$ANSIBLE_VAULT;1.1;AES256\n616",
                "$ANSIBLE_VAULT;1.1;AES256\n61610a6161",
                "$ANSIBLE_VAULT;1.1;AES256\n7a7a0a7a7a0a7a7a",
                "gAAAAA",
                "gAAAAA=",
                "gAAAAA\u00e4"
            })
    void refusesCutOffAndMalformedFilesBeforeTheLongDerivation(String file) {
        byte[] bytes = file.getBytes(StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> decrypt(bytes, "any"))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageStartingWith("keyfile");
    }

    @Test
    void tellsPlainFilesFromEncryptedOnes() {
        for (String plain : List.of("", "{}", "$NAC", "gAAAA", "words of a phrase")) {
            assertThat(KeyfileEncryption.of(plain.getBytes(StandardCharsets.UTF_8)))
                    .isEqualTo(KeyfileEncryption.NONE);
        }
        assertThat(KeyfileEncryption.of(NACL_FILE)).isEqualTo(KeyfileEncryption.NACL);
    }

    private static byte[] decrypt(byte[] file, String password) throws Exception {
        return KeyfileEncryption.of(file).decrypt("keyfile", file, password.toCharArray());
    }
}
