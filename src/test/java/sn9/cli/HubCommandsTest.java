package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.hub.ScriptedHub;
import sn9.model.Gpt2Config;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelId;
import sn9.testing.TinyModel;

/** {@code upload} and {@code model get} against a Hub, with a local chain. */
class HubCommandsTest {
    @TempDir
    private Path dir;

    private final ScriptedHub hub = new ScriptedHub();
    private Map<String, String> environment;
    private Path model;

    @BeforeEach
    void start() throws Exception {
        environment = Map.of("HF_ENDPOINT", hub.endpoint(), "HF_TOKEN", ScriptedHub.TOKEN, "HF_HOME", dir + "/hf");
        model = TinyModel.write(dir.resolve("model"), Gpt2Config.of(1, 2, 8), 1, 0.1);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    @Test
    void aModelIsUploadedInSecretCommittedAndShown() throws Exception {
        var answer = json(upload("--private", "--publish"));
        assertThat(answer.path("published").asBoolean()).isTrue();
        assertThat(hub.hidden).isFalse();
        var calls = hub.calls();
        assertThat(calls.getFirst()).isEqualTo("GET /api/whoami-v2");
        assertThat(calls.getLast()).isEqualTo("PUT /api/models/me/m/settings");
        var id = ModelId.parse(answer.path("commitment").asText());
        assertThat(id.hash()).isEqualTo(DirectoryHash.of(model));
        assertThat(id.commit()).isEqualTo(hub.commits.getLast());

        var got = json(run(
                "model",
                "get",
                "0",
                "--localnet_dir",
                dir + "/net",
                "--download_dir",
                dir + "/got",
                "--hf_endpoint",
                hub.endpoint()));
        assertThat(got.path("hash").asText()).isEqualTo(id.hash());
        assertThat(Path.of(got.path("path").asText()))
                .isEqualTo(dir.resolve("got/models--me--m/snapshots/" + id.commit()));
    }

    @Test
    void aPrivateModelStaysHiddenUntilItIsShown() throws Exception {
        json(upload("--private"));
        assertThat(hub.hidden).isTrue();
        int commits = hub.commits.size();
        assertThat(json(upload("--publish")).path("repeated").asBoolean()).isTrue();
        assertThat(hub.hidden).isFalse();
        assertThat(hub.commits).hasSize(commits);
    }

    @Test
    void aRepositoryIsFetchedIntoTheSharedCacheOrAFolder() throws Exception {
        json(upload());
        String commit = hub.commits.getLast();
        var cached = json(run("model", "get", "me/m"));
        Path snapshot = dir.resolve("hf/hub/models--me--m/snapshots/" + commit);
        assertThat(Path.of(cached.path("path").asText())).isEqualTo(snapshot);
        assertThat(cached.path("hash").asText()).isEqualTo(DirectoryHash.of(model));
        var copied = json(run("model", "get", "me/m@" + commit, "--download_dir", dir + "/got"));
        assertThat(copied.path("hash").asText()).isEqualTo(DirectoryHash.of(model));

        hub.close();
        var offline = new HashMap<>(environment);
        offline.put("HF_HUB_OFFLINE", "1");
        assertThat(json(CommandLineRun.of(Commands.all(), offline, "model", "get", "me/m", "--json"))
                        .path("path")
                        .asText())
                .isEqualTo(snapshot.toString());
    }

    @Test
    void theTokenIsReadFromAFileAndNeverPrinted() throws Exception {
        Path file = Files.writeString(dir.resolve("token"), ScriptedHub.TOKEN + "\n");
        environment = Map.of("HF_HOME", dir + "/hf", "HF_TOKEN", "hf_anotherone");
        var refused = upload("--hf_endpoint", hub.endpoint());
        assertThat(refused.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(refused.err())
                .contains("401")
                .contains("Invalid username or password")
                .doesNotContain("hf_another");
        var done = upload("--hf_endpoint", hub.endpoint(), "--hf_token_file", file.toString(), "--logging.debug");
        assertThat(done.exitCode()).as(done.err()).isZero();
        assertThat(done.out() + done.err()).doesNotContain(ScriptedHub.TOKEN);
    }

    @Test
    void whatNeedsAHubSaysSo() {
        var run = CommandLineRun.of("model", "get", "me/m", "--localnet_dir", dir + "/net");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains("--hf_endpoint");
        run = CommandLineRun.of(
                "upload",
                "--load_model_dir",
                model.toString(),
                "--hf_repo_id",
                "me/m",
                "--localnet_dir",
                dir + "/net",
                "--private");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains("--private");
        run = CommandLineRun.of(
                Commands.all(), Map.of("HF_ENDPOINT", "nowhere", "HF_HOME", dir.toString()), "model", "get", "me/m");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains("HF_ENDPOINT");
    }

    private CommandLineRun upload(String... more) {
        var words = new ArrayList<>(List.of(
                "upload",
                "--load_model_dir",
                model.toString(),
                "--hf_repo_id",
                "me/m",
                "--localnet_dir",
                dir + "/net"));
        if (!List.of(more).contains("--hf_endpoint")) {
            words.addAll(List.of("--hf_endpoint", hub.endpoint()));
        }
        words.addAll(List.of(more));
        return run(words.toArray(String[]::new));
    }

    private CommandLineRun run(String... words) {
        var all = new ArrayList<>(List.of(words));
        all.add("--json");
        return CommandLineRun.of(Commands.all(), environment, all.toArray(String[]::new));
    }

    private static JsonNode json(CommandLineRun run) throws Exception {
        assertThat(run.exitCode()).as(run.err()).isZero();
        return new ObjectMapper().readTree(run.out().strip());
    }
}
