package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;

/** What a user is told whose endpoint, network, wallet or registration is not what a command needs. */
@Timeout(120)
class RemoteCommandsTest {
    @TempDir
    private Path dir;

    private ChainServer chain;

    @BeforeEach
    void start() throws Exception {
        run("localnet", "create", "--localnet_dir", dir + "/net", "--block_seconds", "3600");
        chain = ChainServer.start(dir.resolve("net"), 0, ChainSettings.AT_ONCE);
    }

    @AfterEach
    void stop() throws Exception {
        chain.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"metagraph", "weights", "register", "validator"})
    void anEndpointThatIsDownIsNamedAtOnce(String command) throws Exception {
        wallet("alice");
        String nobody;
        try (var port = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = "ws://127.0.0.1:" + port.getLocalPort();
        }
        var run = remote(command, "alice", "--subtensor.chain_endpoint", nobody);
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).contains(nobody + ": cannot connect");
        var second = remote(command, "alice", "--subtensor.chain_endpoint", nobody + "," + chain.address());
        assertThat(second.err())
                .as("the second endpoint is asked")
                .doesNotContain("metagraph: ws", "weights: ws", "register: ws", "validator: ws");
    }

    @ParameterizedTest
    @ValueSource(strings = {"metagraph", "weights", "register", "validator"})
    void anotherNetworkThanTheOneThatIsNamedIsRefused(String command) throws Exception {
        wallet("alice");
        var run = remote(command, "alice", "--subtensor.network", "finney", "--subtensor.chain_endpoint", endpoint());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).contains("serves another chain", "expected 0x2f0555cc76fc2840");
    }

    @ParameterizedTest
    @ValueSource(strings = {"metagraph", "weights", "register"})
    void aSubnetThatIsNotThereIsNamed(String command) throws Exception {
        wallet("alice");
        var run = remote(command, "alice", "--netuid", "7", "--subtensor.chain_endpoint", endpoint());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).contains("there is no subnet 7 on this chain");
    }

    @Test
    void whatIsNoEndpointIsWrongUsage() throws Exception {
        assertThat(remote("metagraph", "alice", "--subtensor.network", "nowhere")
                        .exitCode())
                .isEqualTo(ExitCode.USAGE);
        var run = remote("metagraph", "alice", "--subtensor.chain_endpoint", "127.0.0.1:9944");
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains("127.0.0.1:9944", "ws://");
    }

    @Test
    void aHotkeyWithoutASlotIsToldHowToGetOne() throws Exception {
        wallet("alice");
        var validator = remote("validator", "alice", "--subtensor.chain_endpoint", endpoint());
        assertThat(validator.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(validator.err()).contains("is not registered on subnet 9", "sn9 register");
        var commit = remote("localnet", "alice", "commit", "--text", "x", "--subtensor.chain_endpoint", endpoint());
        assertThat(commit.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(commit.err()).contains("is not registered on subnet 9");
    }

    @Test
    void aSlotIsPaidOnlyWithinTheLimitAndTheBalance() throws Exception {
        run("wallet", "new", "--wallet.path", wallets(), "--wallet.name", "poor", "--no-use-password");
        var asked = remote("register", "poor", "--subtensor.chain_endpoint", endpoint());
        assertThat(asked.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(asked.out()).contains("costs 0.1", "has 0");
        assertThat(asked.err()).contains("not registered: --max_burn 0.1");
        var paid = remote("register", "poor", "--max_burn", "1", "--subtensor.chain_endpoint", endpoint());
        assertThat(paid.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(paid.err()).contains("registering costs", "has 0");
        run("localnet", "wallet", "poor", "--tao", "1", "--localnet_dir", dir + "/net", "--wallet.path", wallets());
        chain.makeBlock(); // the server sees at once what another has written
        var funded = remote("register", "poor", "--max_burn", "1", "--subtensor.chain_endpoint", endpoint());
        assertThat(funded.exitCode()).as(funded.err()).isZero();
        var again = remote("register", "poor", "--subtensor.chain_endpoint", endpoint());
        assertThat(again.exitCode())
                .as("who has a slot keeps it and pays nothing")
                .isZero();
        assertThat(again.out()).contains("uid 0");
    }

    @Test
    void aWalletThatCannotBeOpenedIsNamed() throws Exception {
        wallet("alice");
        wallet("bob");
        Path hotkeys = dir.resolve("wallets/alice/hotkeys");
        var missing = remote("register", "nobody", "--subtensor.chain_endpoint", endpoint());
        assertThat(missing.err()).contains("nobody", "'sn9 wallet new' makes one");

        Files.copy(dir.resolve("wallets/bob/hotkeys/default"), hotkeys.resolve("other"));
        Files.copy(hotkeys.resolve("defaultpub.txt"), hotkeys.resolve("otherpub.txt"));
        var foreign = remote(
                "localnet",
                "alice",
                "commit",
                "--text",
                "x",
                "--wallet.hotkey",
                "other",
                "--subtensor.chain_endpoint",
                endpoint());
        assertThat(foreign.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(foreign.err()).contains("hotkeys/other", "its key is", "otherpub.txt says");

        Path coldkey = dir.resolve("wallets/alice/coldkey");
        Files.writeString(coldkey, "$NACL encrypted");
        var locked = remote("register", "alice", "--max_burn", "1", "--subtensor.chain_endpoint", endpoint());
        assertThat(locked.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(locked.err()).contains("nobody is at a terminal to type the password of " + coldkey, "BT_PW_");
    }

    @Test
    void rehearsalsNeedALocalNetwork() {
        var run = run("localnet", "commit", "--text", "x", "--wallet.path", wallets());
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.err()).contains("--localnet_dir", "--subtensor.chain_endpoint");
    }

    private void wallet(String name) throws IOException {
        var run = run("localnet", "wallet", name, "--localnet_dir", dir + "/net", "--wallet.path", wallets());
        assertThat(run.exitCode()).as(run.err()).isZero();
        chain.makeBlock(); // the server sees at once what another has written
    }

    /** A command with the flags it takes of a wallet. */
    private CommandLineRun remote(String command, String wallet, String... more) {
        var words = new ArrayList<>(List.of(command));
        words.addAll(List.of(more));
        if (!List.of("metagraph", "weights").contains(command)) {
            words.addAll(List.of("--wallet.path", wallets(), "--wallet.name", wallet));
            words.addAll(List.of("--logging.logging_dir", dir + "/logs"));
        }
        if (command.equals("validator")) {
            words.addAll(List.of("--model_dir", dir + "/store"));
        }
        return run(words.toArray(String[]::new));
    }

    private static CommandLineRun run(String... words) {
        return CommandLineRun.of(words);
    }

    private String endpoint() {
        return chain.address().toString();
    }

    private String wallets() {
        return dir + "/wallets";
    }
}
