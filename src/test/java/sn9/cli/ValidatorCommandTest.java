package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValidatorCommandTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @CsvSource({
        "--steps=0, --steps is 0",
        "--pages_per_eval=0, --pages_per_eval is 0",
        "--sample_min=-1, --sample_min is -1",
        "--blocks_per_epoch=0, --blocks_per_epoch is 0",
        "--disk_quota_gb=0, --disk_quota_gb is 0",
        "--eval_limit=0, --eval_limit is 0.0",
        "--rules=A1, generation A",
        "--rules=Z, no rule set",
        "--page_per_eval=3, did you mean '--pages_per_eval'",
    })
    void namesTheFlagThatIsWrong(String flag, String message) {
        var run = CommandLineRun.of(
                "validator", "--localnet_dir", dir.resolve("net").toString(), "--model_dir", dir.toString(), flag);
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains(message);
        assertThat(dir).as("nothing was tried").isEmptyDirectory();
    }

    @Test
    void sendsWhoHasNoKeyToAWalletOrTheLocalNetwork() {
        String wallets = dir.resolve("wallets").toString();
        var run = CommandLineRun.of("validator", "--model_dir", dir.toString(), "--wallet.path", wallets);
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains("no hotkey " + wallets, "sn9 wallet new", "--localnet_dir");
    }
}
