package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MnemonicTest {
    private static final String LEGAL = "legal winner thank year wave sausage worth useful legal winner thank yellow";

    static Stream<Arguments> vectors() {
        return KeyVectors.cases(
                "mnemonics", "mnemonic", "password", "miniSecret", "publicKey", "secretKeyEd25519Expanded", "ss58_42");
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void givesTheSeedAndKeysOfSubstrate(
            String phrase, String password, String seed, String publicKey, String ed25519Secret, String address) {
        try (var mnemonic = Mnemonic.parse(phrase);
                var key = Keypair.fromSeed(mnemonic.seed(password));
                var imported = Keypair.fromEd25519SecretKey(KeyVectors.hex(ed25519Secret))) {
            assertThat(HexFormat.of().formatHex(mnemonic.seed(password))).isEqualTo(seed.substring(2));
            assertThat(key.publicKey()).isEqualTo(KeyVectors.hex(publicKey));
            assertThat(key.address()).isEqualTo(address);
            assertThat(imported.secretKey()).isEqualTo(key.secretKey());
            assertThat(mnemonic.phrase()).containsExactly(phrase.toCharArray());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {12, 15, 18, 21, 24})
    void generatesWordsThatReadBack(int count) {
        try (var mnemonic = Mnemonic.generate(count);
                var other = Mnemonic.generate(count)) {
            String phrase = new String(mnemonic.phrase());
            assertThat(phrase.split(" ")).hasSize(count);
            try (var read = Mnemonic.parse("  " + phrase.replace(" ", " \t\n") + "\n")) {
                assertThat(read.seed("x")).isEqualTo(mnemonic.seed("x"));
            }
            assertThat(phrase).isNotEqualTo(new String(other.phrase()));
        }
    }

    @Test
    void refusesWrongWordsByTheirPlaceOnly() {
        assertThatThrownBy(() -> Mnemonic.parse(LEGAL.replace("sausage", "sausages")))
                .hasMessageContaining("word 6 ")
                .hasMessageNotContaining("sausage");
        assertThatThrownBy(() -> Mnemonic.parse(LEGAL.replace("yellow", "year")))
                .hasMessageContaining("checksum")
                .hasMessageNotContaining("year");
        assertThatThrownBy(() -> Mnemonic.parse(LEGAL + " legal")).hasMessageContaining("found 13");
        assertThatThrownBy(() -> Mnemonic.parse((LEGAL + " ").repeat(100))).hasMessageContaining("found more");
        assertThatThrownBy(() -> Mnemonic.parse("")).hasMessageContaining("found 0");
        assertThatThrownBy(() -> Mnemonic.generate(13)).hasMessageContaining("found 13");
    }

    @Test
    void forgetsWhenClosedAndNeverPrints() {
        var mnemonic = Mnemonic.parse(LEGAL);
        assertThat(mnemonic).hasToString("***");
        mnemonic.close();
        assertThat(new String(mnemonic.phrase())).startsWith("abandon abandon abandon");
    }
}
