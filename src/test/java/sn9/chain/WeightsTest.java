package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.RemoteCallException;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;
import sn9.localnet.chain.LocalChainParameters;
import sn9.wallet.Keypair;

/** Weights against a node on good and on bad days. */
@Timeout(60)
class WeightsTest {
    private static final int[] UIDS = {0, 1};
    private static final int[] VALUES = {7, 65_535};
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /** Runs out in the tests that use it, but not before the extrinsic is sent, on a busy machine either. */
    private static final Duration LITTLE = Duration.ofSeconds(3);

    private static final int TEMPO = 20;
    private static final int LIMIT = 5;

    @TempDir
    Path net;

    @TempDir
    Path folder;

    private ServedChain node;

    @BeforeEach
    void start() throws IOException {
        node = new ServedChain(
                net, LocalChainParameters.defaults().withTempo(TEMPO).withWeightsInterval(LIMIT), Instant::now);
    }

    @AfterEach
    void stop() throws IOException {
        node.close();
    }

    @Test
    void setsThemAndReadsThemBack() throws Exception {
        long block = node.block() + 1;
        assertThat(weights().set(UIDS, VALUES, 2021)).isEqualTo(block);
        assertThat(node.included()).containsExactly("set_weights");
        assertThat(standing()).isEqualTo(Map.of(1, Map.of(0, 7, 1, 65_535)));
    }

    @Test
    void eachTryHasItsOwnConnection() throws Exception {
        var weights = weights();
        weights.set(UIDS, VALUES, 2021);
        node.advance(LIMIT);
        weights.set(UIDS, VALUES, 2021);
        assertThat(node.relay.connections()).isEqualTo(2);
    }

    @Test
    void findsThemWhenTheNodeFallsSilent() throws Exception {
        node.relay.fault(ServedChain.Manner.DUMB);
        long block = node.block() + 1;
        assertThat(weights(LITTLE).set(UIDS, VALUES, 2021)).isEqualTo(block);
    }

    @Test
    void findsThemWhenTheirBlockIsTakenBack() throws Exception {
        node.relay.fault(ServedChain.Manner.FORKING);
        long block = node.block() + 1;
        assertThat(weights().set(UIDS, VALUES, 2021)).isEqualTo(block);
        assertThat(node.included()).containsExactly("set_weights");
    }

    /** What the client foretells is what the chain does. */
    @Test
    void theRateLimitIsKnownBeforehand() throws Exception {
        weights().set(UIDS, VALUES, 2021);
        assertThatThrownBy(() -> weights().set(UIDS, VALUES, 2021))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isFalse())
                .hasMessageContaining("0 blocks ago, the next are taken in 4 blocks (the limit is 5)");
        node.advance(3);
        assertThatThrownBy(() -> weights().set(UIDS, VALUES, 2021)).hasMessageContaining("taken in 1 blocks");
        assertThat(node.included()).hasSize(1);
        node.advance(1);
        weights().set(UIDS, VALUES, 2021);
        assertThat(node.included()).hasSize(2);
    }

    @Test
    void refusalsAreNamed() {
        var weights = new Weights(node::client, ServedChain.NETUID, node.miner, journal(), PATIENCE);
        assertThatThrownBy(() -> weights.set(UIDS, VALUES, 2021))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("SubtensorModule.NeuronNoValidatorPermit");
    }

    @Test
    void weightsThatTheChainDoesNotHoldAreNoSuccess() {
        // The runtime enlarges weights until the greatest is 65,535; these are not what it then holds.
        assertThatThrownBy(() -> weights().set(UIDS, new int[] {1, 2}, 2021))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isTrue())
                .hasMessageContaining("weights were included, but uid 1 has others");
    }

    @Test
    void aHotkeyWithoutASlotSetsNone() {
        try (var stranger = Keypair.fromUri("//Nobody")) {
            var weights = new Weights(node::client, ServedChain.NETUID, stranger, journal(), PATIENCE);
            assertThatThrownBy(() -> weights.set(UIDS, VALUES, 2021)).hasMessageContaining("not registered");
        }
    }

    /** The chain reveals only what has the hash that was committed, in the epoch that is due. */
    @Test
    void hiddenWeightsAreCommittedAndRevealedInTheirEpoch() throws Exception {
        hide();
        long block = node.block() + 1;
        assertThat(weights().set(UIDS, VALUES, 2021)).isEqualTo(block);
        assertThat(node.included()).containsExactly("commit_weights");
        assertThat(journal().read()).hasSize(1);
        assertThat(journal().read().getFirst().salt()).hasSize(8);

        long left = new Epoch(ServedChain.NETUID, TEMPO).blocksToNext(node.block() + 1);
        assertThat(weights().revealDue()).hasValue(left);
        node.advance(left - 1);
        assertThat(weights().revealDue()).hasValue(1);
        node.advance(1);
        assertThat(weights().revealDue()).isEmpty();
        assertThat(node.included()).containsExactly("commit_weights", "reveal_weights");
        assertThat(journal().read()).isEmpty();
        assertThat(standing()).isEqualTo(Map.of(1, Map.of(0, 7, 1, 65_535)));
    }

    @Test
    void aRevealThatIsTooLateIsForgotten() throws Exception {
        hide();
        weights().set(UIDS, VALUES, 2021);
        node.advance(2 * (TEMPO + 1));
        assertThat(weights().revealDue()).isEmpty();
        assertThat(node.included()).containsExactly("commit_weights");
    }

    @Test
    void aCommitThatTheChainNeverTookIsForgottenOnceItCannot() throws Exception {
        hide();
        node.relay.fault(ServedChain.Manner.FORGETFUL);
        assertThatThrownBy(() -> weights(LITTLE).set(UIDS, VALUES, 2021)).hasMessageContaining("still under way");
        assertThat(weights().revealDue()).isPresent();
        node.advance(64);
        assertThat(weights().revealDue()).isEmpty();
    }

    /** The runtime's calls decide, told here by metadata in which the hash form's call has another name. */
    @ParameterizedTest
    @ValueSource(strings = {"commit_weights", "reveal_weights", "WeightCommits"})
    void aRuntimeWithoutTheHashFormIsRefusedWithItsReason(String missing) throws Exception {
        hide();
        String name = HexFormat.of().formatHex(missing.getBytes(StandardCharsets.US_ASCII));
        String other = name.substring(0, name.length() - 2) + "78";
        node.relay.fault(new FaultRelay.Fault() {
            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text) {
                return Optional.of(method.equals(Optional.of("state_call")) ? text.replace(name, other) : text);
            }
        });
        assertThatThrownBy(() -> weights().set(UIDS, VALUES, 2021))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isFalse())
                .hasMessageContaining("runtime version 393 takes them timelocked only")
                .hasMessageContaining("form 4");
        assertThat(journal().read()).isEmpty();
        assertThat(node.included()).isEmpty();
    }

    @Test
    void revealingAndCommittingWaitForEachOther() throws Exception {
        hide();
        try (var _ = journal().lock(Deadline.in(PATIENCE))) {
            assertThatThrownBy(() -> weights(LITTLE).set(UIDS, VALUES, 2021))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isTrue())
                    .hasMessageContaining("reveals.json.lock is held");
        }
        weights().set(UIDS, VALUES, 2021);
        assertThat(journal().read()).hasSize(1);
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

    private void hide() throws Exception {
        node.admin(
                "sudo_set_commit_reveal_weights_enabled",
                "netuid",
                Value.of(ServedChain.NETUID),
                "enabled",
                Value.of(true));
    }

    private Map<Integer, Map<Integer, Integer>> standing() throws Exception {
        try (var chain = node.client()) {
            return Weights.standing(chain.head(), ServedChain.NETUID);
        }
    }

    private RevealJournal journal() {
        return new RevealJournal(folder.resolve("reveals.json"));
    }

    private Weights weights() {
        return weights(PATIENCE);
    }

    private Weights weights(Duration patience) {
        return new Weights(node::client, ServedChain.NETUID, node.validator, journal(), patience);
    }
}
