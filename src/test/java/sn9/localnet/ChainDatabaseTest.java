package sn9.localnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.MalformedDataException;
import sn9.RemoteCallException;

class ChainDatabaseTest {
    private static final LocalIdentity WHO = LocalIdentity.of("miner", "default");

    @TempDir
    Path dir;

    @Test
    void refusesAFileThatIsNoDatabase() throws Exception {
        Files.writeString(dir.resolve("chain.db"), "this is no database at all, ".repeat(100));
        assertThatThrownBy(() -> LocalChain.open(dir, WHO))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("chain.db")
                .hasMessageContaining("move it away");
        Files.write(dir.resolve("chain.db"), new byte[0]);
        assertThatThrownBy(() -> LocalChain.open(dir, WHO))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("another SQLite database");
    }

    @Test
    void refusesAnotherSchemaVersion() throws Exception {
        LocalChain.open(dir, WHO).close();
        execute("PRAGMA user_version = 1");
        assertThatThrownBy(() -> LocalChain.open(dir, WHO))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("expected schema version 3, found 1");
    }

    @Test
    void refusesAChainWithoutItsRow() throws Exception {
        LocalChain.open(dir, WHO).close();
        execute("DELETE FROM chain");
        assertThatThrownBy(() -> LocalChain.open(dir, WHO))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the table chain is empty");
    }

    @Test
    void everyDamageEndsInAMessageOrAWorkingChain() throws Exception {
        try (LocalChain chain = LocalChain.open(dir, WHO)) {
            for (int i = 0; i < 64; i++) {
                chain.register(LocalIdentity.of("w", "h" + i), i);
            }
        }
        byte[] whole = Files.readAllBytes(dir.resolve("chain.db"));
        Random random = new Random(9);
        int refused = 0;
        for (int i = 0; i < 150; i++) {
            Path copy = Files.createDirectory(dir.resolve("damaged-" + i));
            byte[] damaged = whole.clone();
            int at = random.nextInt(damaged.length);
            for (int n = 0; n < 64 && at + n < damaged.length; n++) {
                damaged[at + n] = (byte) random.nextInt();
            }
            int length = i % 3 == 0 ? random.nextInt(damaged.length) : damaged.length;
            Files.write(copy.resolve("chain.db"), Arrays.copyOf(damaged, length));
            try (LocalChain chain = LocalChain.observe(copy, InstantSource.system())) {
                chain.metagraph();
            } catch (IOException e) {
                assertThat(e.getMessage()).contains("chain.db");
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(50);
    }

    @Test
    void aTransactionThatWasAbandonedLeavesNothing() throws Exception {
        Path crashed = Files.createDirectory(dir.resolve("crashed"));
        try (LocalChain chain = LocalChain.open(dir, WHO)) {
            chain.register(WHO, 0);
            chain.commit("kept");
            try (Connection writer = DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("chain.db"));
                    Statement statement = writer.createStatement()) {
                statement.execute("PRAGMA cache_size = 1"); // spills unfinished pages into the log
                statement.execute("BEGIN IMMEDIATE");
                statement.execute("UPDATE state SET value = x'00'");
                for (int i = 0; i < 500; i++) {
                    statement.execute("INSERT INTO state VALUES (x'00', " + i + ", x'" + "00".repeat(100) + "')");
                }
                for (String file : List.of("chain.db", "chain.db-wal")) { // what a power cut leaves
                    Files.copy(dir.resolve(file), crashed.resolve(file));
                }
            }
            assertThat(chain.commitments()).hasSize(1);
        }
        try (LocalChain chain = LocalChain.open(crashed, WHO)) {
            assertThat(chain.commitment(WHO.hotkey()).orElseThrow().text()).isEqualTo("kept");
            assertThat(chain.commitments()).hasSize(1);
            assertThat(chain.register(LocalIdentity.of("next", "one"), 0)).isEqualTo(1);
        }
    }

    @Test
    void aKilledProcessLosesNothingItReported() throws Exception {
        for (int round = 0; round < 3; round++) {
            Path network = dir.resolve("killed-" + round);
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Writer.class.getName(),
                            network.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            List<String> reported = new ArrayList<>();
            try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    reported.add(line);
                    if (reported.size() == 10 + round) {
                        process.toHandle().destroyForcibly();
                    }
                }
            }
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(reported).hasSizeGreaterThanOrEqualTo(10);
            try (LocalChain chain = LocalChain.observe(network, InstantSource.system())) {
                List<String> found = chain.metagraph().neurons().stream()
                        .map(n -> n.uid() + " " + n.hotkey())
                        .toList();
                assertThat(found).containsAll(reported);
                assertThat(chain.submissions(10_000)).hasSizeBetween(found.size() - 1, found.size());
            }
        }
    }

    @Test
    void anUnwritableDirectoryIsNamed() throws Exception {
        Path file = Files.writeString(dir.resolve("file"), "x", StandardOpenOption.CREATE_NEW);
        assertThatThrownBy(() -> LocalChain.open(file, WHO))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void aClosedChainSaysSo() throws Exception {
        LocalChain chain = LocalChain.open(dir, WHO);
        chain.close();
        chain.close();
        assertThatThrownBy(chain::block).isInstanceOf(RemoteCallException.class);
    }

    private void execute(String sql) throws Exception {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + dir.resolve("chain.db"));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Registers validators and sets their weights until it is killed, reporting each registration once it stands. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] arguments) throws Exception {
            for (int i = 0; ; i++) {
                LocalIdentity who = LocalIdentity.of("w", "h" + i);
                try (LocalChain chain = LocalChain.open(Path.of(arguments[0]), who)) {
                    int uid = chain.register(who, 1);
                    System.out.println(uid + " " + who.hotkey());
                    chain.setWeights(new int[] {uid}, new int[] {1}, 0);
                }
            }
        }
    }
}
