package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class KeyfileReaderTest {
    private static final String ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    private static final String SEED = "fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"secretPhrase\":\"" + GoldenKeyfile.PHRASE + "\"}",
                "{\"secretPhrase\":\"" + GoldenKeyfile.PHRASE + "\",\"secretSeed\":\"0x00\",\"privateKey\":\"?\"}",
                " {\"secretSeed\" : \"0x" + SEED + "\", \"secretPhrase\": null, \"unknown\": \"x\" }\n",
                "{\"secretSeed\":\"" + SEED + "\",\"ss58Address\":\"" + GoldenKeyfile.ADDRESS + "\"}",
                GoldenKeyfile.PHRASE + "\n"
            })
    void readsTheSecretThatComesFirst(String content) throws Exception {
        assertThat(secretOf(content)).isEqualTo(GoldenKeyfile.ADDRESS);
    }

    @Test
    void readsWhatPythonAndPolkadotJsWrote() throws Exception {
        for (String name : List.of("python-era.json", "private-key-ed25519-form.json")) {
            try (var reader = new KeyfileReader(name, GoldenKeyfile.read(name));
                    var key = reader.keypair()) {
                assertThat(key.address()).isEqualTo(GoldenKeyfile.ADDRESS);
                assertThat(reader.address()).isEqualTo(GoldenKeyfile.ADDRESS);
            }
        }
    }

    @Test
    void writesWhatItReadsInBtwalletsFields() throws Exception {
        try (var mnemonic = Mnemonic.parse(GoldenKeyfile.PHRASE);
                var key = KeyMaterial.of(mnemonic)) {
            String json = new String(key.keyfile(), StandardCharsets.US_ASCII);
            assertThat(json)
                    .startsWith("{\"accountId\":\"0x46ebddef8cd9bb16")
                    .contains(
                            "\"publicKey\":\"0x46ebddef8cd9bb16",
                            "\"secretPhrase\":\"" + GoldenKeyfile.PHRASE + "\"",
                            "\"secretSeed\":\"0x" + SEED + "\"",
                            "\"privateKey\":\"0x"
                                    + HexFormat.of().formatHex(key.keypair().secretKey()) + "\"",
                            "\"ss58Address\":\"" + GoldenKeyfile.ADDRESS + "\"}");
            assertThat(secretOf(json)).isEqualTo(GoldenKeyfile.ADDRESS);
            assertThat(key).hasToString(GoldenKeyfile.ADDRESS);
        }
    }

    @Property(tries = 40)
    void everyKindOfKeyReadsBack(@ForAll @Size(32) byte[] seed) throws Exception {
        try (var fromSeed = KeyMaterial.ofSeed(seed);
                var derived = KeyMaterial.of(Keypair.fromSeed(seed).derive(Junction.of(false, "soft")))) {
            for (var key : List.of(fromSeed, derived)) {
                String json = new String(key.keyfile(), StandardCharsets.US_ASCII);
                assertThat(secretOf(json)).isEqualTo(key.keypair().address());
                byte[] publicFile = KeyfileWriter.publicFile(key.keypair().publicKey());
                try (var reader = new KeyfileReader("public", publicFile)) {
                    assertThat(reader.address()).isEqualTo(key.keypair().address());
                    assertThatThrownBy(reader::keypair).hasMessageContaining("it is a public file");
                }
            }
        }
    }

    @Test
    void refusesASecretOfAnotherAddress() {
        assertThatThrownBy(() -> secretOf("{\"secretSeed\":\"" + SEED + "\",\"ss58Address\":\"" + ALICE + "\"}"))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("its secret is of address " + GoldenKeyfile.ADDRESS + ", it says " + ALICE);
        assertThatThrownBy(() -> secretOf("{\"secretSeed\":\"" + SEED + "\",\"ss58Address\":\"" + GoldenKeyfile.ADDRESS
                        + "\",\"publicKey\":\"0x" + "00".repeat(32) + "\"}"))
                .hasMessageContaining("publicKey is of address");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{}x",
                "{} {}",
                "[]",
                "{\"secretSeed\":1}",
                "{\"secretSeed\":{}}",
                "{\"secretSeed\":\"" + SEED + "\",\"secretSeed\":\"" + SEED + "\"}",
                "{\"secretSeed\":\"0x0\"}",
                "{\"secretSeed\":\"0x00zz\"}",
                "{\"secretSeed\":\"0x\"}",
                "{\"privateKey\":\"0x\"}",
                "{\"secretPhrase\":\"legal winner\"}",
                "{\"ss58Address\":\"" + ALICE + "\"}",
                "{\"ss58Address\":\"legalwinner\"}",
                "{\"publicKey\":\"0x00\"}",
                "{\"secretPhrase\":\"\u0001\"}",
                "legal winner",
                "\u00e4",
                "plain text, with a comma"
            })
    void refusesTheRestWithoutRepeatingIt(String content) {
        assertThatThrownBy(() -> secretOf(content))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageStartingWith("keyfile")
                .hasMessageNotContaining("winner")
                .hasMessageNotContaining(SEED)
                .hasNoCause();
    }

    @Test
    void aBareHexadecimalTextIsAPublicKeyAsInTheFirstWallets() throws Exception {
        byte[] text = "0x46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a\n"
                .getBytes(StandardCharsets.US_ASCII);
        try (var reader = new KeyfileReader("coldkeypub.txt", text)) {
            assertThat(reader.address()).isEqualTo(GoldenKeyfile.ADDRESS);
            assertThatThrownBy(reader::keypair).hasMessageContaining("it is a public file");
        }
    }

    private static String secretOf(String content) throws Exception {
        try (var reader = new KeyfileReader("keyfile", content.getBytes(StandardCharsets.UTF_8));
                var key = reader.keypair()) {
            return key.address();
        }
    }
}
