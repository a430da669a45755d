package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import sn9.MalformedDataException;

/**
 * Any bytes are a keyfile or malformed. Runs over its inputs as an ordinary test; {@code JAZZER_FUZZ=1} and
 * {@code -Dtest=KeyfileFuzzTest#METHOD} search for new ones, guided by coverage.
 */
class KeyfileFuzzTest {
    private static final char[] PASSWORD = GoldenKeyfile.PASSWORD.toCharArray();

    @FuzzTest(maxDuration = "30s")
    void anyContentIsAKeyOrMalformed(byte[] bytes) {
        try (var reader = new KeyfileReader("fuzz", bytes);
                var key = reader.keypair()) {
            assertThat(Ss58.decode(key.address())).isEqualTo(key.publicKey());
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(400);
        }
    }

    /** All that is read before a password is stretched, which takes seconds: the vault's ten thousand rounds do not. */
    @FuzzTest(maxDuration = "30s")
    void anyEncryptedFileOpensOrSaysWhatIsWrong(byte[] bytes) {
        try {
            switch (KeyfileEncryption.of(bytes)) {
                case ANSIBLE_VAULT -> AnsibleVault.decrypt("fuzz", bytes, new byte[] {1});
                case FERNET -> FernetKeyfile.open("fuzz", FernetKeyfile.token("fuzz", bytes), new byte[32]);
                case NACL -> SecretBox.open(new byte[32], new byte[24], bytes);
                case NONE -> {}
            }
        } catch (MalformedDataException | WrongPasswordException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(400);
        }
    }

    /** The cost of scrypt, which the file states, is bounded; the smallest costs leave time for the rest. */
    @FuzzTest(maxDuration = "30s")
    void anyJsonIsAPolkadotKeystoreOrMalformed(byte[] bytes) {
        try {
            PolkadotKeystore.read("fuzz", bytes, PASSWORD).close();
        } catch (MalformedDataException | WrongPasswordException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(400);
        }
    }

    /** A text that reads as an address is the address of what it reads as. */
    @FuzzTest(maxDuration = "30s")
    void anyTextIsAnAddressOrRefused(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        try {
            byte[] key = Ss58.decode(text);
            assertThat(Ss58.encode(key)).isEqualTo(text);
            assertThat(Arrays.equals(key, Ss58.decodeAnyNetwork(text))).isTrue();
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).hasSizeLessThan(400);
        }
    }
}
