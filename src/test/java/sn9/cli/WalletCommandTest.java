package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.wallet.EnvironmentPasswords;
import sn9.wallet.Mnemonic;
import sn9.wallet.Wallet;

class WalletCommandTest {
    private static final String PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
    private static final String SEED = "0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e";
    private static final String ADDRESS = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
    private static final String ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    @TempDir
    private Path folder;

    private CommandLineRun wallet(Terminal terminal, Map<String, String> variables, String... args) {
        var words = new ArrayList<>(List.of("wallet"));
        words.addAll(List.of(args));
        if (!args[0].equals("verify")) {
            words.addAll(List.of("--wallet.path", folder.toString()));
        }
        return CommandLineRun.of(Commands.all(), variables, terminal, words.toArray(String[]::new));
    }

    private CommandLineRun wallet(String... args) {
        return wallet(new ScriptedTerminal(false), Map.of(), args);
    }

    @Test
    void newMakesBothKeysAndShowsTheirWordsOnce() throws Exception {
        var run = wallet("new", "--wallet.name", "alice", "--no-use-password", "--n-words", "24", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode answer = json(run);
        assertThat(answer.get("success").asBoolean()).isTrue();
        assertThat(answer.get("error").asText()).isEmpty();
        JsonNode data = answer.get("data");
        assertThat(data.get("name").asText()).isEqualTo("alice");
        assertThat(data.get("path").asText()).isEqualTo(folder.toString());
        assertThat(data.get("hotkey").asText()).isEqualTo("default");
        List<String> phrases = run.err()
                .lines()
                .map(String::strip)
                .filter(line -> line.split(" ").length == 24)
                .toList();
        assertThat(phrases).hasSize(2).doesNotHaveDuplicates();
        phrases.forEach(phrase -> Mnemonic.parse(phrase).close());
        assertThat(run.out()).doesNotContain(phrases);
        assertThat(names("alice")).containsExactlyInAnyOrder("coldkey", "coldkeypub.txt", "hotkeys");
        assertThat(names("alice/hotkeys")).containsExactlyInAnyOrder("default", "defaultpub.txt");

        // The words bring back the very keys.
        var regen = wallet(
                new ScriptedTerminal(false, phrases.getFirst()),
                Map.of(),
                "regen",
                "coldkey",
                "--wallet.name",
                "again",
                "--no-use-password",
                "--json");
        assertThat(regen.exitCode()).as(regen.err()).isZero();
        assertThat(json(regen).at("/data/coldkey_ss58")).isEqualTo(data.get("coldkey_ss58"));
    }

    @Test
    void aKeyIsReplacedOnRequestOnly() throws Exception {
        assertThat(wallet("new", "hotkey", "--uri", "//Alice").exitCode()).isZero();
        byte[] before = Files.readAllBytes(folder.resolve("default/hotkeys/default"));
        var run = wallet("new", "--no-use-password");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("hotkeys/default", "--overwrite").doesNotContain("mnemonic, which");
        assertThat(folder.resolve("default/hotkeys/default")).hasBinaryContent(before);
        assertThat(folder.resolve("default/coldkey")).doesNotExist();
        assertThat(wallet("new", "hotkey", "--overwrite").exitCode()).isZero();
        assertThat(Files.readAllBytes(folder.resolve("default/hotkeys/default")))
                .isNotEqualTo(before);
    }

    @Test
    void aUriGivesBothKeysAndStaysOutOfTheListedFlags() {
        var run = wallet("new", "--uri", "//Alice", "--json", "--logging.debug");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("\"hotkey_ss58\":\"" + ALICE, "\"coldkey_ss58\":\"" + ALICE);
        var bad = wallet("new", "--wallet.name", "b", "--uri", PHRASE + "/");
        assertThat(bad.exitCode()).isEqualTo(2);
        assertThat(bad.err()).contains("step 1").doesNotContain("obey");
    }

    @Test
    void regenReadsSeedsAndRefusesBadWordsWithoutRepeatingThem() throws Exception {
        var seed = wallet(new ScriptedTerminal(true, SEED), Map.of(), "regen", "hotkey", "--json");
        assertThat(seed.exitCode()).as(seed.err()).isZero();
        assertThat(json(seed).at("/data/hotkey_ss58").asText()).isEqualTo(ADDRESS);
        assertThat(seed.out() + seed.err()).doesNotContain(SEED);
        for (String wrong : List.of(PHRASE.replace("obey", "obeyy"), SEED.substring(0, 60), SEED + "0", "", "0x")) {
            var run = wallet(new ScriptedTerminal(false, wrong), Map.of(), "regen", "coldkey");
            assertThat(run.exitCode()).as(wrong).isEqualTo(1);
            assertThat(run.err()).doesNotContain("obeyy").doesNotContain(SEED.substring(0, 60));
        }
    }

    @Test
    void regenReadsABackupOfPolkadotJs() throws Exception {
        Path backup = folder.resolve("backup.json");
        try (var exported = Wallet.class.getResourceAsStream("keyfiles/polkadot-js.json")) {
            Files.copy(exported, backup);
        }
        String[] regen = {"regen", "hotkey", "--json_path", backup.toString(), "--json", "--overwrite"};
        var run =
                wallet(new ScriptedTerminal(false), Map.of("SN9_JSON_PASSWORD", "correct horse battery staple"), regen);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(json(run).at("/data/hotkey_ss58").asText()).isEqualTo(ADDRESS);
        var nobody = wallet(new ScriptedTerminal(false, "correct horse battery staple"), Map.of(), regen);
        assertThat(nobody.err()).contains("nobody is at a terminal", "SN9_JSON_PASSWORD is not set");
        var typed = wallet(new ScriptedTerminal(true, "wrong"), Map.of(), regen);
        assertThat(typed.err()).contains("backup.json: the password is wrong");
    }

    @Test
    void aMachineThatNeverSpendsKeepsTheColdkeysAddressOnly() throws Exception {
        var run = wallet("regen", "coldkeypub", "--ss58_address", ADDRESS, "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(json(run).at("/data/coldkey_ss58").asText()).isEqualTo(ADDRESS);
        assertThat(names("default")).containsExactly("coldkeypub.txt");
        assertThat(wallet("regen", "coldkeypub").exitCode()).isEqualTo(2);
        assertThat(wallet("regen", "coldkey", "--ss58_address", ADDRESS).exitCode())
                .isEqualTo(2);
        assertThat(wallet("regen", "coldkeypub", "--ss58_address", ADDRESS + "x")
                        .exitCode())
                .isEqualTo(2);
        assertThat(wallet("regen", "coldkeypub", "--ss58_address", ALICE).exitCode())
                .isEqualTo(1);
    }

    @Test
    void listNamesEveryWalletAndShowOne() throws Exception {
        wallet("new", "--wallet.name", "alice", "--uri", "//Alice");
        wallet("new", "hotkey", "--wallet.name", "alice", "--wallet.hotkey", "second", "--uri", "//Bob");
        wallet("regen", "coldkeypub", "--wallet.name", "bob", "--ss58_address", ADDRESS);
        Files.createDirectories(folder.resolve("empty"));
        Files.writeString(folder.resolve("alice/hotkeys/broken"), "no keyfile at all, really!");
        Files.delete(folder.resolve("alice/hotkeys/second"));

        JsonNode wallets = json(wallet("list", "--json")).get("wallets");
        assertThat(wallets.findValuesAsText("name"))
                .containsExactly("alice", "broken", "default", "second", "bob", "empty");
        assertThat(wallets.get(0).get("ss58_address").asText()).isEqualTo(ALICE);
        assertThat(wallets.get(0).at("/hotkeys/0/ss58_address").asText()).isEqualTo("?");
        assertThat(wallets.get(1).get("ss58_address").asText()).isEqualTo(ADDRESS);
        assertThat(wallets.get(2).get("ss58_address").asText()).isEqualTo("?");
        assertThat(wallet("list").out()).contains(ALICE, "public file only");

        JsonNode shown = json(wallet("show", "--wallet.name", "alice", "--json"));
        assertThat(shown.get("coldkey_ss58").asText()).isEqualTo(ALICE);
        assertThat(shown.get("coldkey_encryption").asText()).isEqualTo("none");
        assertThat(shown.get("hotkeys")).hasSize(3);
        assertThat(wallet("show", "--wallet.name", "nobody").err()).contains("'sn9 wallet list'");
        assertThat(wallet("show", "--wallet.name", "../alice").exitCode()).isEqualTo(2);
    }

    @Test
    void verifiesWhatItSigns() throws Exception {
        wallet("new", "coldkey", "--uri", "//Bob");
        wallet("new", "hotkey", "--uri", "//Alice");
        assertThat(json(wallet("sign", "--message", "x", "--no-use-hotkey", "--json"))
                        .get("signer_address")
                        .asText())
                .isEqualTo("5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty");
        for (String which : List.of("--use-hotkey", "--wallet.hotkey=default")) {
            JsonNode signed = json(wallet("sign", "--message", "gr\u00fc\u00dfe", which, "--json"));
            assertThat(signed.get("signer_address").asText()).isEqualTo(ALICE);
            String signature = signed.get("signed_message").asText();
            var good = wallet(
                    "verify", "--message", "gr\u00fc\u00dfe", "--signature", signature, "--address", ALICE, "--json");
            assertThat(good.exitCode()).isZero();
            assertThat(json(good).get("verified").asBoolean()).isTrue();
            var other = wallet("verify", "--message", "grusse", "--signature", "0x" + signature, "--address", ALICE);
            assertThat(other.exitCode()).isEqualTo(1);
            assertThat(other.out()).contains("NOT");
        }
        assertThat(wallet("verify", "--message", "x", "--signature", "0x12", "--address", ALICE)
                        .err())
                .contains("--signature is not 128 hexadecimal digits, found 2 characters");
        assertThat(wallet("verify", "--message", "x", "--signature", "12".repeat(64), "--address", "5Grw")
                        .exitCode())
                .isEqualTo(2);
    }

    @Test
    void anEncryptedKeyWithoutAPasswordSaysWhereToGiveOne() {
        var run = wallet("new", "coldkey");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("nobody is at a terminal", "BT_PW_").doesNotContain("mnemonic, which");
        assertThat(folder.resolve("default/coldkey")).doesNotExist();
    }

    @Test
    void aNewPasswordIsTypedTwiceAndNotWeak() {
        assertThat(newColdkey("secret", "secret")).contains("too weak");
        assertThat(newColdkey("aaaaaaaaaaaa", "aaaaaaaaaaaa")).contains("too weak");
        assertThat(newColdkey("tr0ubador&3", "tr0ubador&4")).contains("the two passwords differ");
        assertThat(folder.resolve("default/coldkey")).doesNotExist();
    }

    @Test
    @Tag("slow") // three derivations of a key from a password
    void anEncryptedColdkeySignsWithItsPasswordOnly() throws Exception {
        var person = new ScriptedTerminal(true, " tr0ubador&3", "tr0ubador&3 ");
        assertThat(wallet(person, Map.of(), "new", "coldkey").exitCode()).isZero();
        assertThat(person.questions()).hasSize(2);
        assertThat(Files.readString(folder.resolve("default/coldkey"), StandardCharsets.ISO_8859_1))
                .startsWith("$NACL");
        assertThat(json(wallet("show", "--json")).get("coldkey_encryption").asText())
                .isEqualTo("nacl");
        String[] sign = {"sign", "--message", "x", "--no-use-hotkey"};
        var signed = wallet(new ScriptedTerminal(false), Map.of("BT_COLD_PW_DEFAULT", "tr0ubador&3"), sign);
        assertThat(signed.exitCode()).as(signed.err()).isZero();
        var wrong = wallet(new ScriptedTerminal(true, "tr0ubador&4"), Map.of(), sign);
        assertThat(wrong.exitCode()).isEqualTo(1);
        assertThat(wrong.err()).contains("the password is wrong").doesNotContain("tr0ubador");
        assertThat(EnvironmentPasswords.variable(folder.resolve("default/coldkey")))
                .startsWith("BT_PW_");
    }

    private String newColdkey(String... typed) {
        var run = wallet(new ScriptedTerminal(true, typed), Map.of(), "new", "coldkey");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).doesNotContain(typed);
        return run.err();
    }

    private List<String> names(String inside) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(inside))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private static JsonNode json(CommandLineRun run) throws IOException {
        assertThat(run.out().lines()).as(run.err()).hasSize(1);
        return new ObjectMapper().readTree(run.out());
    }
}
