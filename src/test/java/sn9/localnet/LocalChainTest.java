package sn9.localnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.RemoteCallException;
import sn9.localnet.chain.EpochResult;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.chain.WeightSubmission;
import sn9.subnet.CommitTooSoonException;
import sn9.subnet.Commitment;
import sn9.subnet.Neuron;

class LocalChainTest {
    private static final Instant GENESIS = Instant.parse("2024-01-04T00:00:00Z");
    private static final LocalIdentity MINER = LocalIdentity.of("miner", "default");
    private static final LocalIdentity OTHER = LocalIdentity.of("miner", "other");
    private static final LocalIdentity VALIDATOR = LocalIdentity.of("validator", "default");

    @TempDir
    Path dir;

    private Instant now = GENESIS;
    private final InstantSource clock = () -> now;

    @Test
    void blocksFollowTheClockAndOutliveRestarts() throws Exception {
        try (LocalChain chain = open(MINER)) {
            assertThat(chain.block()).isEqualTo(1);
            now = GENESIS.plusMillis(11_999);
            assertThat(chain.block()).isEqualTo(1);
            now = GENESIS.plusSeconds(12);
            assertThat(chain.block()).isEqualTo(2);
            assertThat(chain.advance(100)).isEqualTo(102);
        }
        now = GENESIS.plusSeconds(36);
        try (LocalChain chain = open(MINER)) {
            assertThat(chain.block()).isEqualTo(104);
        }
    }

    @Test
    void aClockSetBackNeverLowersABlockThatWasWritten() throws Exception {
        try (LocalChain chain = open(MINER)) {
            now = GENESIS.plusSeconds(1200);
            chain.register(MINER, 0);
            long before = chain.block();
            now = GENESIS;
            assertThat(chain.block()).isEqualTo(before);
            assertThat(chain.advance(5)).isEqualTo(before + 5);
            assertThat(chain.block()).isEqualTo(before + 5);
        }
    }

    @Test
    void anExistingChainKeepsItsParameters() throws Exception {
        LocalChainParameters fast = LocalChainParameters.defaults().withBlockTime(Duration.ofMillis(250));
        try (LocalChain first = LocalChain.open(dir, MINER, fast, clock);
                LocalChain second = open(MINER)) {
            assertThat(second.parameters()).isEqualTo(first.parameters()).isEqualTo(fast);
            now = GENESIS.plusSeconds(1);
            assertThat(second.block()).isEqualTo(5);
        }
    }

    @Test
    void registersTheLowestFreeSlotOnce() throws Exception {
        try (LocalChain chain = open(MINER)) {
            assertThat(chain.register(MINER, 0)).isEqualTo(0);
            assertThat(chain.register(VALIDATOR, 1000)).isEqualTo(1);
            assertThat(chain.register(MINER, 5)).isEqualTo(0);
            assertThat(chain.metagraph().neurons())
                    .containsExactly(
                            new Neuron(0, MINER.hotkey(), MINER.coldkey(), 0, 0, false, 0),
                            new Neuron(1, VALIDATOR.hotkey(), VALIDATOR.coldkey(), 1000, 0, true, 0));
            assertThat(chain.metagraph().netuid()).isEqualTo(9);

            assertThat(chain.deregister(MINER.hotkey())).isTrue();
            assertThat(chain.deregister(MINER.hotkey())).isFalse();
            assertThat(chain.register(OTHER, 0)).isEqualTo(0);
            assertThatThrownBy(() -> chain.register(MINER, -1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void theSubnetHas256Slots() throws Exception {
        try (LocalChain chain = open(MINER)) {
            for (int i = 0; i < 256; i++) {
                assertThat(chain.register(LocalIdentity.of("w", "h" + i), 0)).isEqualTo(i);
            }
            assertThatExceptionOfType(RemoteCallException.class)
                    .isThrownBy(() -> chain.register(MINER, 0))
                    .withMessageContaining("256 slots")
                    .matches(e -> !e.retryable());
        }
    }

    @Test
    void commitmentsWaitAHundredBlocks() throws Exception {
        try (LocalChain chain = open(MINER)) {
            chain.register(MINER, 0);
            assertThat(chain.commitment(MINER.hotkey())).isEmpty();
            assertThat(chain.commit("one")).isEqualTo(new Commitment("one", 1));
            chain.advance(99);
            assertThatExceptionOfType(CommitTooSoonException.class)
                    .isThrownBy(() -> chain.commit("two"))
                    .matches(e -> e.blocksToWait() == 1 && e.retryable());
            assertThat(chain.commitment(MINER.hotkey())).contains(new Commitment("one", 1));
            chain.advance(1);
            assertThat(chain.commit("two")).isEqualTo(new Commitment("two", 101));
            assertThat(chain.commitments()).isEqualTo(Map.of(MINER.hotkey(), new Commitment("two", 101)));
        }
    }

    @Test
    void commitmentsNeedASlotAndFit128Bytes() throws Exception {
        try (LocalChain chain = open(MINER)) {
            assertThatThrownBy(() -> chain.commit("x"))
                    .isInstanceOf(RemoteCallException.class)
                    .hasMessageContaining("not registered");
            chain.register(MINER, 0);
            assertThatThrownBy(() -> chain.commit("é".repeat(65))).hasMessageContaining("130 bytes");
            assertThatThrownBy(() -> chain.commit("")).isInstanceOf(IllegalArgumentException.class);
            assertThat(chain.commit("é".repeat(64)).text()).hasSize(64);
            chain.deregister(MINER.hotkey());
            assertThat(chain.commitments()).containsOnlyKeys(MINER.hotkey());
        }
    }

    @Test
    void weightsNeedSlotPermitAndPatience() throws Exception {
        LocalChainParameters parameters = LocalChainParameters.defaults().withWeightsInterval(100);
        try (LocalChain chain = LocalChain.open(dir, VALIDATOR, parameters, clock)) {
            assertThatThrownBy(() -> chain.setWeights(new int[] {0}, new int[] {1}, 2021))
                    .hasMessageContaining("UidsLengthExceedUidsInSubNet");
            chain.register(VALIDATOR, 10);
            chain.register(MINER, 0);
            assertThat(chain.setWeights(new int[] {1, 0}, new int[] {65535, 0}, 2021))
                    .isEqualTo(1);
            assertThat(chain.weights(0).orElseThrow().weights()).isEqualTo(Map.of(1, 65535));
            assertThat(chain.weights(0).orElseThrow().versionKey()).isEqualTo(2021);
            assertThat(chain.weights(1)).isEmpty();
            chain.advance(99);
            assertThatExceptionOfType(RemoteCallException.class)
                    .isThrownBy(() -> chain.setWeights(new int[] {1}, new int[] {2}, 2021))
                    .withMessageContaining("SettingWeightsTooFast")
                    .matches(RemoteCallException::retryable);
            chain.advance(1);
            assertThat(chain.setWeights(new int[] {1}, new int[] {2}, 2022)).isEqualTo(101);
            assertThat(chain.submissions(10))
                    .extracting(WeightSubmission::block)
                    .containsExactly(101L, 1L);
            assertThat(chain.metagraph().find(0).orElseThrow().lastUpdate()).isEqualTo(101);
            chain.advance(100);
            assertThatThrownBy(() -> chain.setWeights(new int[] {7}, new int[] {1}, 0))
                    .isInstanceOf(RemoteCallException.class)
                    .hasMessageContaining("UidVecContainInvalidOne");
            assertThat(chain.submissions(10)).hasSize(2);
        }
        try (LocalChain chain = open(MINER)) {
            assertThatThrownBy(() -> chain.setWeights(new int[] {0}, new int[] {1}, 0))
                    .hasMessageContaining("no validator permit");
        }
    }

    @Test
    void refusesWeightsThatAreNoU16Vector() throws Exception {
        try (LocalChain chain = open(VALIDATOR)) {
            chain.register(VALIDATOR, 10);
            for (int[][] bad : new int[][][] {{{}, {}}, {{0}, {1, 2}}, {{0, 0}, {1, 2}}, {{0}, {-1}}, {{0}, {65536}}}) {
                assertThatThrownBy(() -> chain.setWeights(bad[0], bad[1], 0))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void anEpochTurnsWeightsIntoIncentive() throws Exception {
        LocalIdentity second = LocalIdentity.of("validator", "second");
        try (LocalChain chain = open(VALIDATOR);
                LocalChain other = open(second)) {
            chain.register(VALIDATOR, 300);
            chain.register(second, 100);
            chain.register(MINER, 0);
            chain.register(OTHER, 0);
            chain.setWeights(new int[] {2, 3}, new int[] {65535, 65535}, 0);
            other.setWeights(new int[] {3}, new int[] {5}, 0);
            assertThat(chain.epochs(5)).isEmpty();
            chain.advance(358);
            assertThat(chain.metagraph().find(2).orElseThrow().incentive()).isZero();
            chain.advance(1); // block 360
            assertThat(incentive(chain, 2)).isCloseTo(0.375, Offset.offset(1e-5)); // a u16 on chain
            assertThat(incentive(other, 3)).isCloseTo(0.625, Offset.offset(1e-5));
            assertThat(incentive(chain, 0)).isZero();
            EpochResult epoch = chain.epochs(5).getFirst();
            assertThat(epoch.firstBlock()).isEqualTo(360);
            assertThat(epoch.incentives().values().stream().mapToDouble(v -> v).sum())
                    .isCloseTo(1, Offset.offset(1e-12));
        }
    }

    @Test
    void epochsDependOnBlocksAndNotOnWhoLooksWhen() throws Exception {
        List<List<EpochResult>> runs = new ArrayList<>();
        for (boolean looking : new boolean[] {false, true}) {
            now = GENESIS;
            LocalChainParameters parameters = LocalChainParameters.defaults().withTempo(10);
            try (LocalChain chain = LocalChain.open(dir.resolve("looking-" + looking), VALIDATOR, parameters, clock)) {
                chain.register(VALIDATOR, 1);
                chain.register(MINER, 0);
                chain.register(OTHER, 0);
                chain.setWeights(new int[] {1}, new int[] {9}, 0);
                for (int i = 0; i < 25; i++) {
                    chain.advance(1);
                    if (looking) {
                        chain.metagraph();
                    }
                }
                chain.setWeights(new int[] {2}, new int[] {9}, 0); // block 26: after the epochs of 10 and 20
                assertThat(incentive(chain, 1)).isEqualTo(1);
                chain.advance(4); // block 30
                assertThat(incentive(chain, 2)).isEqualTo(1);
                assertThat(incentive(chain, 1)).isZero();
                runs.add(chain.epochs(10));
            }
        }
        assertThat(runs.get(0)).extracting(EpochResult::firstBlock).containsExactly(30L, 20L, 10L);
        assertThat(runs.get(1)).isEqualTo(runs.get(0));
    }

    @Test
    void weightsAreVoidForANewHolderOfTheSlot() throws Exception {
        try (LocalChain chain = open(VALIDATOR)) {
            chain.register(VALIDATOR, 1);
            chain.register(MINER, 0);
            chain.setWeights(new int[] {1}, new int[] {9}, 0);
            chain.advance(359);
            assertThat(incentive(chain, 1)).isEqualTo(1);
            chain.deregister(MINER.hotkey());
            assertThat(chain.register(OTHER, 0)).isEqualTo(1);
            assertThat(incentive(chain, 1)).isZero();
            chain.advance(360);
            assertThat(incentive(chain, 1)).isZero();
            assertThat(chain.epochs(1).getFirst().incentives()).isEmpty();

            chain.deregister(VALIDATOR.hotkey());
            chain.register(VALIDATOR, 1);
            assertThat(chain.weights(0)).isEmpty();
            assertThat(chain.metagraph().find(0).orElseThrow().lastUpdate()).isZero();
        }
    }

    @Test
    void observersSeeButDoNotWriteOrCreate() throws Exception {
        assertThatThrownBy(() -> LocalChain.observe(dir, clock))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no local network at " + dir);
        assertThat(dir).isEmptyDirectory();
        try (LocalChain chain = open(MINER);
                LocalChain observer = LocalChain.observe(dir, clock)) {
            chain.register(MINER, 0);
            assertThat(observer.metagraph().find(MINER.hotkey())).isPresent();
            assertThatThrownBy(() -> observer.commit("x")).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void instancesOnOneDirectoryShareEverythingUnderContention() throws Exception {
        int writers = 6;
        List<Callable<Integer>> tasks = new ArrayList<>();
        for (int i = 0; i < writers; i++) {
            LocalIdentity who = LocalIdentity.of("w", "h" + i);
            tasks.add(() -> {
                try (LocalChain chain = open(who)) { // all of them race to create it, too
                    int uid = chain.register(who, 1);
                    chain.commit("by " + who.hotkey());
                    for (int n = 0; n < 10; n++) {
                        chain.setWeights(new int[] {uid}, new int[] {n + 1}, n);
                    }
                    return uid;
                }
            });
        }
        List<Integer> uids = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(writers)) {
            for (Future<Integer> uid : threads.invokeAll(tasks)) {
                uids.add(uid.get());
            }
        }
        assertThat(uids).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
        try (LocalChain chain = LocalChain.observe(dir, clock)) {
            assertThat(chain.commitments()).hasSize(writers);
            assertThat(chain.submissions(1000)).hasSize(10 * writers);
        }
        try (var files = Files.list(dir)) {
            assertThat(files.map(p -> p.getFileName().toString())).allMatch(name -> name.startsWith("chain.db"));
        }
    }

    @Test
    void oneHotkeyCommittingTwiceAtOnceSucceedsOnce() throws Exception {
        try (LocalChain first = open(MINER);
                LocalChain second = open(MINER);
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            first.register(MINER, 0);
            List<Callable<Boolean>> tasks = List.of(() -> commits(first, "a"), () -> commits(second, "b"));
            List<Boolean> done = new ArrayList<>();
            for (Future<Boolean> result : threads.invokeAll(tasks)) {
                done.add(result.get());
            }
            assertThat(done).containsExactlyInAnyOrder(true, false);
            assertThat(first.commitment(MINER.hotkey())).isEqualTo(second.commitment(MINER.hotkey()));
        }
    }

    private static boolean commits(LocalChain chain, String text) throws RemoteCallException {
        try {
            chain.commit(text);
            return true;
        } catch (CommitTooSoonException e) {
            return false;
        }
    }

    private static double incentive(LocalChain chain, int uid) throws RemoteCallException {
        return chain.metagraph().find(uid).orElseThrow().incentive();
    }

    private LocalChain open(LocalIdentity who) throws IOException {
        return LocalChain.open(dir, who, LocalChainParameters.defaults(), clock);
    }
}
