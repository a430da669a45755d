package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.hub.LocalHub;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelId;
import sn9.subnet.RemoteModelStore;

class LocalnetCommandTest {
    private static final LocalIdentity ALICE = LocalIdentity.of("alice", "default");

    @TempDir
    private Path dir;

    /** A network whose blocks last longer than any test, with an epoch each 10 of them. */
    @BeforeEach
    void create() throws Exception {
        var answer = ok("localnet", "create", "--block_seconds", "3600", "--tempo", "10");
        assertThat(answer.get("block").asLong()).isZero();
        assertThat(answer.get("block_seconds").asDouble()).isEqualTo(3600);
        assertThat(answer.get("tempo").asLong()).isEqualTo(10);
        assertThat(answer.get("commit_reveal").asBoolean()).isFalse();
    }

    @Test
    void aNetworkIsMadeOnce() {
        var again = run("localnet", "create");
        assertThat(again.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(again.err()).contains("already exists").contains("chain.db");
    }

    @Test
    void noOtherCommandMakesANetwork() {
        Path nowhere = dir.resolve("nowhere");
        for (var command : List.of(
                List.of("localnet", "show"),
                List.of("localnet", "advance", "--blocks", "1"),
                List.of("localnet", "commit", "--text", "x"),
                List.of("localnet", "deregister", "--hotkey", ALICE.hotkey()),
                List.of("register"),
                List.of("weights"))) {
            var words = new ArrayList<>(command);
            words.addAll(List.of("--localnet_dir", nowhere.toString()));
            var run = CommandLineRun.of(words.toArray(String[]::new));
            assertThat(run.exitCode()).as("%s", command).isEqualTo(ExitCode.FAILED);
            assertThat(run.err()).contains("no local network at " + nowhere);
            assertThat(nowhere).doesNotExist();
        }
    }

    @Test
    void blocksPassAtOnce() throws Exception {
        assertThat(ok("localnet", "advance", "--blocks", "41").get("block").asLong())
                .isEqualTo(41);
        assertThat(ok("localnet", "show").get("block").asLong()).isEqualTo(41);
        assertThat(run("localnet", "advance", "--blocks", "-1").exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void registeringAgainKeepsTheSlotAndTheStake() throws Exception {
        assertThat(ok("register", "--wallet.name", "alice", "--stake", "7")
                        .get("uid")
                        .asInt())
                .isZero();
        assertThat(ok("register", "--wallet.name", "bob").get("uid").asInt()).isEqualTo(1);
        var again = ok("register", "--wallet.name", "alice", "--stake", "9");
        assertThat(again.get("uid").asInt()).isZero();
        assertThat(again.get("stake").asDouble()).isEqualTo(7);
        assertThat(again.get("hotkey").asText()).isEqualTo(ALICE.hotkey());
        assertThat(run("register", "--stake", "NaN").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run("register", "--wallet.name", "a/b").exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void aPrunedNeuronLeavesItsSlotToAnotherAndMayNotCommit() throws Exception {
        ok("register", "--wallet.name", "alice");
        ok("register", "--wallet.name", "bob");
        ok("localnet", "commit", "--wallet.name", "alice", "--text", "mine");
        long before = ok("localnet", "show").get("block").asLong();
        var answer = ok("localnet", "deregister", "--hotkey", ALICE.hotkey());
        assertThat(answer.get("block").asLong()).isEqualTo(before + 1);
        assertThat(run("localnet", "commit", "--wallet.name", "alice", "--text", "again")
                        .err())
                .contains("is not registered");
        assertThat(ok("register", "--wallet.name", "carol").get("uid").asInt()).isZero();

        var again = run("localnet", "deregister", "--hotkey", ALICE.hotkey());
        assertThat(again.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(again.err()).contains(ALICE.hotkey() + " is not registered");
        assertThat(run("localnet", "deregister", "--hotkey", "alice").exitCode())
                .isEqualTo(ExitCode.USAGE);
    }

    @Test
    void weightsBecomeIncentiveAtTheEpoch() throws Exception {
        ok("register", "--wallet.name", "alice", "--stake", "10");
        ok("register", "--wallet.name", "bob");
        ok("register", "--wallet.name", "carol");
        try (var chain = LocalChain.openExisting(dir, ALICE, InstantSource.system())) {
            chain.setWeights(new int[] {1, 2}, new int[] {65_535, 21_845}, 2021);
        }
        assertThat(ok("localnet", "show").get("epochs")).isEmpty();
        ok("localnet", "advance", "--blocks", "10");

        var answer = ok("weights");
        var weights = answer.get("weights").get(0);
        assertThat(weights.get("validator_uid").asInt()).isZero();
        assertThat(weights.get("hotkey").asText()).isEqualTo(ALICE.hotkey());
        assertThat(weights.get("block").asLong()).isEqualTo(4);
        assertThat(weights.get("weights").get("1").asInt()).isEqualTo(65_535);
        assertThat(weights.get("weights").get("2").asInt()).isEqualTo(21_845);
        assertThat(answer.get("incentives").get("1").asDouble()).isCloseTo(0.75, within(1e-5)); // a u16 on chain
        assertThat(answer.get("incentives").get("0").asDouble()).isZero();
        var shown = ok("localnet", "show");
        assertThat(shown.get("submissions").get(0).get("version_key").asLong()).isEqualTo(2021);
        var epoch = shown.get("epochs").get(0);
        assertThat(epoch.get("last_block").asLong()).isEqualTo(10);
        assertThat(epoch.get("incentives").get("2").asDouble()).isEqualTo(0.25);
        assertThat(run("weights").out()).contains("65535").contains("0.7500");
    }

    @Test
    void anyTextMayBeCommittedAndIsShownWithoutItsControlCharacters() throws Exception {
        ok("register", "--wallet.name", "alice");
        String hostile = "no model \u001b[2J\u202e at all";
        assertThat(ok("localnet", "commit", "--wallet.name", "alice", "--text", hostile)
                        .get("block")
                        .asLong())
                .isEqualTo(2);
        var shown = ok("localnet", "show").get("neurons").get(0);
        assertThat(shown.get("commitment").asText()).isEqualTo(hostile);
        var text = CommandLineRun.of("localnet", "show", "--localnet_dir", dir.toString());
        assertThat(text.out()).contains("no model ?[2J? at all").doesNotContain("\u001b[2J");

        assertThat(ok("localnet", "commit", "--wallet.name", "alice", "--text", hostile)
                        .get("block")
                        .asLong())
                .as("the same text is not committed again")
                .isEqualTo(2);
        assertThat(run("localnet", "commit", "--text", "x".repeat(129)).exitCode())
                .isEqualTo(ExitCode.USAGE);
        assertThat(run("localnet", "commit", "--wallet.name", "eve", "--text", "x")
                        .err())
                .contains("is not registered");
    }

    @Test
    void aDirectoryIsPublishedWithoutALook() throws Exception {
        ok("register", "--wallet.name", "alice");
        Path model = Files.createDirectories(dir.resolve("model"));
        Files.writeString(model.resolve("config.json"), "not even JSON");
        var answer = ok(
                "localnet",
                "publish",
                "--wallet.name",
                "alice",
                "--load_model_dir",
                model.toString(),
                "--hf_repo_id",
                "alice/bad");

        var id = ModelId.parse(answer.get("commitment").asText());
        assertThat(id.repoId()).isEqualTo("alice/bad");
        assertThat(id.hash()).isEqualTo(DirectoryHash.of(model));
        assertThat(LocalHub.open(dir).files("alice/bad", id.commit()))
                .extracting(RemoteModelStore.RemoteFile::path)
                .containsExactly("config.json");
        assertThat(ok("localnet", "show")
                        .get("neurons")
                        .get(0)
                        .get("commitment")
                        .asText())
                .isEqualTo(id.toCompressedString());
    }

    @Test
    void aForeignFileIsNamed() throws Exception {
        Path other = Files.createDirectories(dir.resolve("other"));
        Files.writeString(other.resolve("chain.db"), "no database");
        var run = CommandLineRun.of("weights", "--localnet_dir", other.toString());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).contains("chain.db").contains("damaged or foreign");
    }

    private JsonNode ok(String... words) throws Exception {
        var all = new ArrayList<>(List.of(words));
        all.add("--json");
        var run = run(all.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isZero();
        return new ObjectMapper().readTree(run.out().strip());
    }

    private CommandLineRun run(String... words) {
        var all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--localnet_dir", dir.toString()));
        return CommandLineRun.of(all.toArray(String[]::new));
    }
}
