package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.validator.ValidatorState;

class DashboardCommandTest {
    @TempDir
    Path dir;

    @Test
    void writesAPageOfAllThereIs() throws Exception {
        run("alice/training/2026-01-01_00-00-00", 7.5);
        run("alice/training/2026-01-02_00-00-00", 7.0);
        run("bob", 6.5);
        ValidatorState.open(dir.resolve("validator/validator.db"), 9).close();
        CommandLineRun.of("localnet", "create", "--localnet_dir", dir + "/net");
        CommandLineRun.of("register", "--localnet_dir", dir + "/net", "--wallet.name", "alice");
        Files.writeString(dir.resolve("sample.txt"), "Four <score> and seven");
        Path page = dir.resolve("page.html");

        var run = CommandLineRun.of(
                "dashboard",
                "--snapshot=" + page,
                "--model_dir=" + dir.resolve("alice"),
                "--run=" + dir.resolve("bob"),
                "--validator_dir=" + dir.resolve("validator"),
                "--localnet_dir=" + dir.resolve("net"),
                "--sample=" + dir.resolve("sample.txt"),
                "--json");

        assertThat(run.exitCode()).as(run.err()).isZero();
        var answer = new ObjectMapper().readTree(run.out());
        assertThat(answer.get("runs").findValuesAsText("name"))
                .containsExactly("alice 2026-01-01_00-00-00", "alice 2026-01-02_00-00-00", "bob");
        assertThat(answer.get("runs").get(2).get("best_held_out_loss").asDouble())
                .isEqualTo(6.5);
        assertThat(answer.get("runs").get(2).get("first_held_out_loss").asDouble())
                .isEqualTo(10.8);
        assertThat(answer.get("leaderboard").isEmpty()).isTrue();
        assertThat(Files.readString(page))
                .contains("alice 2026-01-02_00-00-00", "6.500", "Subnet 9 at block 1", "Four &lt;score&gt; and seven");
        try (var files = Files.list(dir)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("alice", "bob", "net", "page.html", "sample.txt", "validator");
        }
    }

    @Test
    void aMissingSourceIsNamedAndNothingIsWritten() {
        Path page = dir.resolve("page.html");
        for (String source : new String[] {"--run", "--model_dir", "--validator_dir", "--localnet_dir", "--sample"}) {
            var run = CommandLineRun.of("dashboard", "--snapshot=" + page, source + "=" + dir.resolve("nowhere"));
            assertThat(run.exitCode()).as(source).isEqualTo(ExitCode.FAILED);
            assertThat(run.err()).as(source).contains(dir.resolve("nowhere").toString());
            assertThat(page).doesNotExist();
        }
    }

    private void run(String folder, double loss) throws Exception {
        Files.writeString(Files.createDirectories(dir.resolve(folder)).resolve("metrics.jsonl"), """
                {"kind":"held_out","step":0,"loss":10.8}
                {"kind":"step","step":1,"loss":10.7}
                {"kind":"held_out","step":1,"loss":%s}
                """.formatted(loss));
    }
}
