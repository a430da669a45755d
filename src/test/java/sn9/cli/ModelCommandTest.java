package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.checkpoint.HfConfig;
import sn9.model.Gpt2Config;
import sn9.subnet.DirectoryHash;
import sn9.subnet.HashForm;
import sn9.testing.TinyModel;

/** {@code model} and {@code upload} and {@code metagraph} on models of some kilobytes. */
class ModelCommandTest {
    @TempDir
    Path dir;

    private final ObjectMapper json = new ObjectMapper();

    @Test
    void rejectsASmallVocabularyWithReasonsAndExitCodeOne() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        var run = CommandLineRun.of("model", "check", model.toString(), "--json");
        assertThat(run.exitCode()).isEqualTo(1);
        var answer = json.readTree(run.out());
        assertThat(answer.get("accepted").asBoolean()).isFalse();
        assertThat(answer.get("reasons").toString()).contains("8 positions", "11 tokens");
        assertThat(answer.get("parameters").asLong()).isPositive();
        assertThat(answer.get("hash").asText()).isEqualTo(DirectoryHash.of(model));
    }

    @Test
    void acceptsAModelThatKeepsTheRules() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), Gpt2Config.of(1, 2, 8), 1, 0.1);
        var run = CommandLineRun.of("model", "check", model.toString(), "--json");
        assertThat(run.err()).contains("accepted by the rules B2");
        assertThat(run.exitCode()).isZero();
        assertThat(json.readTree(run.out()).get("reasons")).isEmpty();
        assertThat(CommandLineRun.of("model", "check", model.toString(), "--rules", "A0")
                        .exitCode())
                .isEqualTo(1);
        assertThat(CommandLineRun.of("model", "check", model.toString(), "--rules", "Z")
                        .exitCode())
                .isEqualTo(2);
    }

    @Test
    void aBrokenFileIsARejectionToo() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        Files.write(model.resolve("model.safetensors"), new byte[] {1, 2, 3});
        var run = CommandLineRun.of("model", "check", model.toString(), "--json");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(json.readTree(run.out()).get("parameters").isNull()).isTrue();
        assertThat(CommandLineRun.of("model", "show", model.toString()).exitCode())
                .isEqualTo(1);
    }

    @Test
    void hashTakesOnlyWhatOthersFetch() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        String hash = DirectoryHash.of(model);
        Files.writeString(model.resolve("README.md"), "not hashed");
        assertThat(CommandLineRun.of("model", "hash", model.toString()).out().strip())
                .isEqualTo(hash);
        String hotkey = "5CchHAvd95HtTaxfviiC36wt1HFXU73Xq9Aom7NDZJnAiG8v";
        String bound = HashForm.HOTKEY_BOUND.committed(hash, hotkey);
        var flags = new String[] {"--use_hotkey_in_hash", "--hotkey", hotkey};
        assertThat(CommandLineRun.of("model", "hash", model.toString(), flags[0], flags[1], flags[2])
                        .out()
                        .strip())
                .isEqualTo(bound);
        assertThat(CommandLineRun.of("model", "hash", model.toString(), flags[0])
                        .err())
                .contains("--hotkey");
        assertThat(CommandLineRun.of("model", "hash", model.toString(), flags[0], flags[1], "5x")
                        .exitCode())
                .isEqualTo(ExitCode.USAGE);
        assertThat(CommandLineRun.of("model", "check", model.toString(), "--hash", bound, flags[0], flags[1], flags[2])
                        .out())
                .contains("hash " + bound)
                .doesNotContain("content hash is");
        var missing = CommandLineRun.of("model", "hash", dir.toString());
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err()).contains("lacks config.json, model.safetensors");
    }

    @Test
    void showNamesShapeAndTensors() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        var run = CommandLineRun.of("model", "show", model.toString(), "--tensors");
        assertThat(run.out()).contains("n_embd 8", "transformer.wte.weight", "[11, 8]");
        assertThat(HfConfig.read(model.resolve("config.json")).architecture()).isEqualTo("GPT2LMHeadModel");
    }

    @Test
    void uploadPublishesOnceAndMetagraphShowsIt() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), Gpt2Config.of(1, 2, 8), 1, 0.1);
        String net = dir.resolve("net").toString();
        String[] upload = {
            "upload", "--json", "--localnet_dir", net, "--load_model_dir", model.toString(), "--hf_repo_id", "me/m"
        };
        var first = CommandLineRun.of(upload);
        assertThat(first.err()).contains("published:");
        assertThat(first.exitCode()).isZero();
        var second = json.readTree(CommandLineRun.of(upload).out());
        assertThat(second.get("repeated").asBoolean()).isTrue();
        assertThat(second.get("commitment"))
                .isEqualTo(json.readTree(first.out()).get("commitment"));

        var metagraph = CommandLineRun.of("metagraph", "--json", "--localnet_dir", net);
        var row = json.readTree(metagraph.out()).get("neurons").get(0);
        assertThat(row.get("commitment").get("string")).isEqualTo(second.get("commitment"));
        assertThat(row.fieldNames())
                .toIterable()
                .containsExactly(
                        "uid",
                        "hotkey",
                        "coldkey",
                        "stake",
                        "incentive",
                        "validator_permit",
                        "last_update",
                        "commitment");
        assertThat(metagraph.err()).contains("incentive");
    }

    @Test
    void uploadRefusesWhatValidatorsWould() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        var run = CommandLineRun.of(
                "upload",
                "--json",
                "--localnet_dir",
                dir.resolve("net").toString(),
                "--load_model_dir",
                model.toString(),
                "--hf_repo_id",
                "me/m");
        assertThat(run.exitCode()).isEqualTo(1);
        var answer = json.readTree(run.out());
        assertThat(answer.get("published").asBoolean()).isFalse();
        assertThat(answer.get("reasons")).hasSize(2);
        assertThat(answer.get("commitment").isNull()).isTrue();
    }

    @Test
    void withoutANetworkItSaysWhatToGive() {
        var miner = CommandLineRun.of("miner");
        assertThat(miner.exitCode()).isEqualTo(2);
        assertThat(miner.err()).contains("--hf_repo_id is missing");
        assertThat(CommandLineRun.of("miner", "--offline", "--n_embd", "761").err())
                .contains("n_embd is 761, not a multiple of n_head 10");
        assertThat(CommandLineRun.of("miner", "--offline", "--lr", "-1").exitCode())
                .isEqualTo(2);
    }
}
