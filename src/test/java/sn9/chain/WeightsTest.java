package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import sn9.RemoteCallException;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;
import sn9.wallet.Keypair;

@Timeout(60)
class WeightsTest {
    private static final int[] UIDS = {0, 1};
    private static final int[] VALUES = {7, 65_535};

    private static final RpcSettings QUICK = new RpcSettings(
            Duration.ofSeconds(5),
            Duration.ofMillis(400),
            Duration.ofSeconds(4),
            Duration.ofMillis(20),
            Duration.ofMillis(100));

    @TempDir
    Path folder;

    private final Keypair hotkey = Keypair.fromUri("//Alice//hk");
    private LiveNode node;

    @BeforeEach
    void start() throws IOException {
        node = new LiveNode();
        node.events = "set_weights ok";
        node.store("SubtensorModule", "WeightsSetRateLimit", Value.of(0), Value.of(9));
    }

    @AfterEach
    void stop() {
        if (node != null) {
            node.close();
        }
    }

    @Test
    void setsThemAndReadsThemBack() throws Exception {
        assertThat(weights().set(UIDS, VALUES, 2021)).isEqualTo(109);
        assertThat(node.included()).containsExactly("set_weights");
    }

    @Test
    void eachTryHasItsOwnConnection() throws Exception {
        var weights = weights();
        weights.set(UIDS, VALUES, 2021);
        weights.set(UIDS, VALUES, 2021);
        assertThat(node.recorded.node.connections()).isEqualTo(2);
    }

    @Test
    void findsThemWhenTheNodeFallsSilent() throws Exception {
        node.manner = LiveNode.Manner.DUMB;
        assertThat(weights().set(UIDS, VALUES, 2021)).isEqualTo(109);
    }

    @Test
    void theRateLimitIsKnownBeforehand() throws Exception {
        node.store("SubtensorModule", "WeightsSetRateLimit", Value.of(100), Value.of(9));
        assertThatThrownBy(() -> weights().set(UIDS, VALUES, 2021))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isFalse())
                .hasMessageContaining("40 blocks ago, the next are taken in 59 blocks");
        assertThat(node.included()).isEmpty();
    }

    @Test
    void refusalsAreNamed() throws Exception {
        node.events = "set_weights no permit";
        assertThatThrownBy(() -> weights().set(UIDS, VALUES, 2021))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("SubtensorModule.NeuronNoValidatorPermit");
    }

    @Test
    void aHotkeyWithoutASlotSetsNone() {
        try (var stranger = Keypair.fromUri("//Nobody")) {
            var weights = new Weights(this::client, 9, stranger, journal(), Duration.ofSeconds(1));
            assertThatThrownBy(() -> weights.set(UIDS, VALUES, 2021)).hasMessageContaining("not registered");
        }
    }

    @Test
    void hiddenWeightsAreCommittedAndRevealedInTheirEpoch() throws Exception {
        node.store("SubtensorModule", "CommitRevealWeightsEnabled", Value.of(true), Value.of(9));
        assertThat(weights().set(UIDS, VALUES, 2021)).isEqualTo(109);
        assertThat(node.included()).containsExactly("commit_weights");
        assertThat(journal().read()).hasSize(1);
        assertThat(journal().read().getFirst().salt()).hasSize(8);

        assertThat(weights().revealDue()).isPresent();
        node.advance(11); // the next epoch
        assertThat(weights().revealDue()).isEmpty();
        assertThat(node.included()).containsExactly("commit_weights", "reveal_weights");
        assertThat(journal().read()).isEmpty();
    }

    @Test
    void aCommitThatTheChainNeverTookIsForgottenOnceItCannot() throws Exception {
        node.store("SubtensorModule", "CommitRevealWeightsEnabled", Value.of(true), Value.of(9));
        node.manner = LiveNode.Manner.FORGETFUL;
        assertThatThrownBy(() -> weights().set(UIDS, VALUES, 2021)).hasMessageContaining("still under way");
        assertThat(weights().revealDue()).isPresent();
        node.advance(64);
        assertThat(weights().revealDue()).isEmpty();
    }

    /** By hand: hotkey, index 9, [0], [65535], [1, 2], version key 3, each in SCALE. */
    @Test
    void theHashIsOverTheFieldsInOrder() {
        var commit = new WeightCommit(new int[] {0}, new int[] {65_535}, new int[] {1, 2}, 3, 0);
        var bytes = HexFormat.of()
                .parseHex("11".repeat(32) + "0900" + "040000" + "04ffff" + "0801000200" + "0300000000000000");
        assertThat(commit.hash(HexFormat.of().parseHex("11".repeat(32)), 9))
                .isEqualTo(StorageHasher.blake2b(bytes, 32));
    }

    private RevealJournal journal() {
        return new RevealJournal(folder.resolve("reveals.json"));
    }

    private ChainClient client() {
        return new ChainClient(List.of(node.address()), Optional.empty(), QUICK);
    }

    private Weights weights() {
        return new Weights(this::client, 9, hotkey, journal(), Duration.ofMillis(1500));
    }
}
