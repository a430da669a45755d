package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChainCommandTest {
    @TempDir
    private Path dir;

    @Test
    void anUnknownNetworkIsWrongUsage() {
        var run = CommandLineRun.of("metagraph", "--subtensor.network", "moon");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains("--subtensor.network is moon, expected finney, test, local or an address");
    }

    @Test
    void registeringTakesAWallet() {
        var run = CommandLineRun.of(
                "register", "--subtensor.network", "local", "--wallet.path", dir.toString(), "--wallet.name", "nobody");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).contains("nobody").contains("sn9 wallet new");
    }
}
