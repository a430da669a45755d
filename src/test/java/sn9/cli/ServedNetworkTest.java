package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.chain.RpcSettings;
import sn9.chain.SubnetReader;
import sn9.chain.SubtensorChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.hub.AccessTokens;
import sn9.localnet.hub.HubServer;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;
import sn9.model.Gpt2Config;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelId;
import sn9.testing.TinyModel;

/** Miners and a validator on a served Hub and chain: keyfiles, the client, and nothing that a genuine network lacks. */
@Timeout(240)
class ServedNetworkTest {
    @TempDir
    private Path dir;

    private HubServer hub;
    private ChainServer chain;

    @AfterEach
    void stop() throws Exception {
        if (chain != null) {
            chain.close();
        }
        if (hub != null) {
            hub.close();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMinersUploadAndAValidatorsCycle(boolean hidden) throws Exception {
        serve(hidden);
        var made = ok("localnet", "wallet", "one", "two", "--localnet_dir", net(), "--wallet.path", wallets());
        assertThat(made.get("wallets").get(0).get("tao").asDouble()).isEqualTo(1000);
        ok("localnet", "wallet", "judge", "--stake", "100", "--localnet_dir", net(), "--wallet.path", wallets());
        chain.makeBlock(); // the server sees at once what another has written
        for (String name : List.of("one", "two", "judge")) {
            assertThat(client(name, "register", "--max_burn", "1").get("hotkey").asText())
                    .isEqualTo(LocalIdentity.of(name, "default").hotkey());
        }

        // The second model's parameters are so small that it knows nothing, and the first one's that it is wrong.
        var first = publish("one", 5.0);
        var second = publish("two", 0.01);
        var again = publish("two", 0.01);
        assertThat(again.get("repeated").asBoolean()).isTrue();
        assertThat(again.get("block")).isEqualTo(second.get("block"));
        var rows = client("judge", "metagraph").get("neurons");
        assertThat(rows.get(0).get("commitment").get("string")).isEqualTo(first.get("commitment"));
        assertThat(rows.get(1).get("commitment").get("string")).isEqualTo(second.get("commitment"));
        assertThat(rows.get(1).get("commitment").get("block")).isEqualTo(second.get("block"));
        assertThat(rows.get(2).get("validator_permit").asBoolean()).isTrue();

        var step = client(
                "judge",
                "validator",
                "--corpus",
                corpus(),
                "--model_dir",
                dir + "/store",
                "--steps",
                "1",
                "--pages_per_eval",
                "1",
                "--seed",
                "1",
                "--device",
                "cpu");
        assertThat(step.get("failed")).isEmpty();
        assertThat(step.get("losses").get(1).get(0).asDouble())
                .isLessThan(step.get("losses").get(0).get(0).asDouble());
        if (hidden) {
            assertThat(client("judge", "weights").get("weights")).isEmpty();
            reveal();
        }
        var weights = client("judge", "weights").get("weights").get(0);
        assertThat(weights.get("validator_uid").asInt()).isEqualTo(2);
        assertThat(weights.get("weights").get("1").asInt()).isEqualTo(65_535);

        var page = client("judge", "dashboard", "--snapshot", dir + "/page.html", "--validator_dir", dir + "/store");
        assertThat(page.get("leaderboard").get(0).get("u16").asInt()).isEqualTo(65_535);
    }

    @Test
    void badModelsAreRehearsedThroughTheClientToo() throws Exception {
        serve(false);
        ok("localnet", "wallet", "bad", "--localnet_dir", net(), "--wallet.path", wallets());
        chain.makeBlock(); // the server sees at once what another has written
        client("bad", "register", "--max_burn", "1");
        Path model = Files.createDirectories(dir.resolve("model"));
        Files.writeString(model.resolve("config.json"), "not even JSON");
        var published = client(
                "bad",
                "localnet",
                "publish",
                "--hf_repo_id",
                "bad/model",
                "--load_model_dir",
                model.toString(),
                "--hf_endpoint",
                hub.address().toString());
        assertThat(ModelId.parse(published.get("commitment").asText()).hash()).isEqualTo(DirectoryHash.of(model));
        client("bad", "localnet", "commit", "--text", "no model");
        assertThat(client("bad", "metagraph")
                        .get("neurons")
                        .get(0)
                        .get("commitment")
                        .get("string")
                        .asText())
                .isEqualTo("no model");
    }

    @Test
    void aCommandOnTheFolderMayRunBesideTheServer() throws Exception {
        serve(false);
        ok("register", "--localnet_dir", net(), "--wallet.name", "one");
        var model = TinyModel.write(dir.resolve("model"), Gpt2Config.of(1, 2, 8), 1, 0.1);
        var published = ok(
                "upload",
                "--localnet_dir",
                net(),
                "--wallet.name",
                "one",
                "--load_model_dir",
                model.toString(),
                "--hf_repo_id",
                "one/gpt2");
        JsonNode neurons = client("one", "metagraph").get("neurons");
        while (neurons.get(0).get("commitment").isNull()) {
            neurons = client("one", "metagraph").get("neurons"); // its node looks for others' blocks ten times a second
        }
        assertThat(neurons.get(0).get("commitment").get("string")).isEqualTo(published.get("commitment"));
    }

    /** Serves a network whose blocks come with extrinsics only. */
    private void serve(boolean hidden) throws Exception {
        var create = new ArrayList<>(
                List.of("localnet", "create", "--localnet_dir", net(), "--block_seconds", "3600", "--tempo", "20"));
        if (hidden) {
            create.add("--commit_reveal");
        }
        ok(create.toArray(String[]::new));
        hub = HubServer.start(Path.of(net()), 0);
        chain = ChainServer.start(Path.of(net()), 0, ChainSettings.AT_ONCE);
    }

    private JsonNode publish(String name, double scale) throws Exception {
        var model = dir.resolve("model-" + name);
        if (!Files.exists(model)) {
            TinyModel.write(model, Gpt2Config.of(1, 2, 8), 1, scale);
        }
        return client(name, "upload", "--force", "--load_model_dir", model.toString(), "--hf_repo_id", name + "/gpt2");
    }

    /** What a running validator does by itself: lets the epoch come, and then reveals what an earlier run has committed. */
    private void reveal() throws Exception {
        chain.chain().advance(20);
        chain.makeBlock();
        try (var judge = LocalIdentity.hotkey("judge", "default");
                var running = SubtensorChain.open(
                        List.of(chain.address().toString()),
                        Optional.empty(),
                        9,
                        judge,
                        dir.resolve("logs/judge/default"),
                        RpcSettings.standard());
                var reader = new SubnetReader(
                        List.of(chain.address().toString()), Optional.empty(), 9, RpcSettings.standard())) {
            while (reader.weights().isEmpty()) {
                Thread.sleep(Duration.ofMillis(50));
            }
            assertThat(running.block()).isPositive();
        }
    }

    /** A command on the served network, as a wallet. */
    private JsonNode client(String name, String... words) throws Exception {
        var all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--subtensor.chain_endpoint", chain.address().toString()));
        boolean keys = !List.of("metagraph", "weights", "dashboard").contains(words[0]);
        if (keys) {
            all.addAll(List.of("--wallet.path", wallets(), "--wallet.name", name));
        }
        all.addAll(List.of("--logging.logging_dir", dir + "/logs", "--json"));
        var token = AccessTokens.open(Path.of(net()), InstantSource.system()).issue(name, AccessTokens.Role.WRITE);
        var environment = Map.of(
                "HF_ENDPOINT", hub.address().toString(), "HF_TOKEN", token.reveal(), "HF_HOME", dir + "/hf-" + name);
        return json(CommandLineRun.of(Commands.all(), environment, all.toArray(String[]::new)));
    }

    private String corpus() throws Exception {
        Path corpus = Files.createDirectories(dir.resolve("corpus"));
        var lines = IntStream.range(0, 3000)
                .mapToObj(i -> "{\"text\":\"Speech " + i + " says that " + i * 7919 % 1000 + " things are well.\"}")
                .collect(Collectors.joining("\n"));
        Files.writeString(corpus.resolve("speeches.jsonl"), lines);
        return corpus.toString();
    }

    private String net() {
        return dir + "/net";
    }

    private String wallets() {
        return dir + "/wallets";
    }

    private static JsonNode ok(String... words) throws Exception {
        var all = new ArrayList<>(List.of(words));
        all.add("--json");
        return json(CommandLineRun.of(all.toArray(String[]::new)));
    }

    private static JsonNode json(CommandLineRun run) throws Exception {
        assertThat(run.exitCode()).as(run.err()).isZero();
        return new ObjectMapper().readTree(run.out().strip());
    }
}
