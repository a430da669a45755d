package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import cafe.cryptography.curve25519.CompressedRistretto;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class KeypairTest {
    static Stream<Arguments> derivations() {
        return KeyVectors.cases("derivation", "uri", "publicKey", "ss58_42");
    }

    static Stream<Arguments> signatures() {
        return KeyVectors.cases("signatures", "uri", "publicKey", "message", "signature", "badSignature");
    }

    @ParameterizedTest
    @MethodSource("derivations")
    void derivesTheKeysOfSubstrate(String uri, String publicKey, String address) {
        try (var key = Keypair.fromUri(uri)) {
            assertThat(key.publicKey()).isEqualTo(KeyVectors.hex(publicKey));
            assertThat(key.address()).isEqualTo(address);
        }
    }

    @Test
    void readsJunctionsAsSubstrateDoes() {
        for (var vector : KeyVectors.of("junctions")) {
            var path = SecretUri.parse(vector.get("path").asText()).path();
            assertThat(path).hasSize(vector.get("junctions").size());
            for (int i = 0; i < path.size(); i++) {
                var expected = vector.get("junctions").get(i);
                assertThat(path.get(i).hard()).isEqualTo(expected.get("isHard").asBoolean());
                assertThat(path.get(i).chainCode())
                        .isEqualTo(KeyVectors.hex(expected.get("chainCode").asText()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("signatures")
    void verifiesGoodAndRefusesSpoiledSignatures(
            String uri, String publicKey, String message, String signature, String spoiled) {
        byte[] key = KeyVectors.hex(publicKey);
        byte[] text = KeyVectors.hex(message);
        assertThat(Sr25519.verify(key, text, KeyVectors.hex(signature))).isTrue();
        assertThat(Sr25519.verify(key, text, KeyVectors.hex(spoiled))).isFalse();
        try (var pair = Keypair.fromUri(uri)) {
            byte[] own = pair.sign(text);
            assertThat(Sr25519.verify(key, text, own)).isTrue();
            assertThat(own).isNotEqualTo(pair.sign(text));
        }
    }

    @Property(tries = 60)
    void verifiesWhatItSignsAndNothingElse(
            @ForAll @Size(32) byte[] seed,
            @ForAll @Size(max = 300) byte[] message,
            @ForAll @IntRange(max = 8 * 64 - 1) int bit) {
        try (var key = Keypair.fromSeed(seed)) {
            byte[] signature = key.sign(message);
            assertThat(Sr25519.verify(key.publicKey(), message, signature)).isTrue();
            signature[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(Sr25519.verify(key.publicKey(), message, signature)).isFalse();
            signature[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(Sr25519.verify(key.publicKey(), Arrays.copyOf(message, message.length + 1), signature))
                    .isFalse();
        }
    }

    @Property(tries = 40)
    void softDerivationOfThePublicKeyIsThePublicKeyOfTheSoftDerivation(
            @ForAll @Size(32) byte[] seed, @ForAll @StringLength(min = 1, max = 40) String name) throws Exception {
        var junction = Junction.of(false, name);
        try (var parent = Keypair.fromSeed(seed);
                var child = parent.derive(junction)) {
            byte[] fromPublic = new CompressedRistretto(parent.publicKey())
                    .decompress()
                    .add(Sr25519.timesBase(SecretKey.softOffset(junction, parent.publicKey())))
                    .compress()
                    .toByteArray();
            assertThat(child.publicKey()).isEqualTo(fromPublic);
            byte[] message = name.getBytes(StandardCharsets.UTF_8);
            assertThat(Sr25519.verify(fromPublic, message, child.sign(message))).isTrue();
        }
    }

    @Test
    void aSecretKeyReadsBackInBothForms() {
        try (var key = Keypair.fromUri("//Alice/soft");
                var copy = Keypair.fromSecretKey(key.secretKey())) {
            assertThat(copy.address()).isEqualTo(key.address());
        }
        byte[] order = KeyVectors.hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        assertThatThrownBy(() -> Keypair.fromSecretKey(Arrays.copyOf(order, 64)))
                .hasMessageContaining("order");
        assertThatThrownBy(() -> Keypair.fromSecretKey(new byte[63])).hasMessageContaining("64 bytes, found 63");
        assertThatThrownBy(() -> Keypair.fromEd25519SecretKey(new byte[] {1})).hasMessageContaining("multiple of 8");
        assertThatThrownBy(() -> Keypair.fromSeed(new byte[31])).hasMessageContaining("32 bytes, found 31");
    }

    @Test
    void refusesMalformedUrisWithoutRepeatingThem() {
        for (String uri : List.of(
                "/", "//", "//Alice/", "//Alice//", "0x12", "0x" + "g".repeat(64), "secret", "Alice//x", "// a/")) {
            assertThatThrownBy(() -> Keypair.fromUri(uri).close())
                    .as(uri)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageNotContaining("Alice")
                    .hasMessageNotContaining("secret//");
        }
    }

    @Test
    void aSignatureThatIsNotCanonicalIsRefused() {
        try (var key = Keypair.fromUri("//Alice")) {
            byte[] message = {1, 2, 3};
            byte[] good = key.sign(message);
            byte[] unmarked = good.clone();
            unmarked[63] &= 0x7f;
            byte[] large = good.clone();
            Arrays.fill(large, 32, 64, (byte) 0xff);
            for (byte[] bad : List.of(unmarked, large, new byte[64], Arrays.copyOf(good, 63), new byte[0])) {
                assertThat(Sr25519.verify(key.publicKey(), message, bad)).isFalse();
            }
            byte[] noElement = new byte[32];
            Arrays.fill(noElement, (byte) 0xff);
            assertThat(Sr25519.verify(noElement, message, good)).isFalse();
        }
    }

    @Test
    void aClosedKeySignsNothingAndAnOpenOnePrintsItsAddress() {
        var key = Keypair.fromUri("//Alice");
        assertThat(key).hasToString("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        byte[] copy = key.publicKey();
        copy[0] ^= 1;
        assertThat(key.publicKey()).isNotEqualTo(copy);
        key.close();
        assertThatThrownBy(() -> key.sign(new byte[0])).hasMessageContaining("is closed");
        assertThat(SecretUri.parse("//Alice///word")).hasToString("***");
    }
}
