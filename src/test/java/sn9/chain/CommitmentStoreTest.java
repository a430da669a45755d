package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;
import sn9.localnet.chain.InvalidExtrinsicException;
import sn9.subnet.CommitTooSoonException;
import sn9.wallet.Keypair;

/** Commitments against a node on good and on bad days: no text is committed twice, none is lost. */
@Timeout(60)
class CommitmentStoreTest {
    private static final String TEXT = "org:model:" + "a".repeat(40) + ":" + "b".repeat(43) + "=";
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /** Runs out in the tests that use it, but not before the extrinsic is sent, on a busy machine either. */
    private static final Duration LITTLE = Duration.ofSeconds(3);

    @TempDir
    Path net;

    @TempDir
    Path folder;

    private ServedChain node;
    private ChainClient chain;

    @BeforeEach
    void start() throws Exception {
        node = new ServedChain(net);
        chain = node.client();
        chain.head(); // reads the metadata
    }

    @AfterEach
    void stop() throws IOException {
        chain.close();
        node.close();
    }

    @Test
    void commitsOnceAndReadsItBack() throws Exception {
        long block = node.block() + 1;
        var commitment = store().commit(TEXT);
        assertThat(commitment.text()).isEqualTo(TEXT);
        assertThat(commitment.block()).isEqualTo(block);
        assertThat(store().commit(TEXT)).isEqualTo(commitment);
        assertThat(store().commitments()).containsOnlyKeys(node.miner.address()).containsValue(commitment);
        assertThat(node.included()).containsExactly("set_commitment");
        assertThat(journal()).doesNotExist();
    }

    @ParameterizedTest
    @EnumSource(ServedChain.Manner.class)
    void everyBadDayEndsInOneCommitment(ServedChain.Manner manner) throws Exception {
        node.relay.fault(manner);
        try {
            store(chain, LITTLE).commit(TEXT);
        } catch (RemoteCallException e) {
            assertThat(e.retryable()).isTrue();
        }
        node.relay.fault(ServedChain.Manner.HONEST);
        try (var again = node.client()) {
            assertThat(store(again, PATIENCE).commit(TEXT).text()).isEqualTo(TEXT);
        }
        assertThat(node.included()).containsExactly("set_commitment");
        assertThat(journal()).doesNotExist();
    }

    @Test
    void oneThatCannotBeIncludedAnyMoreIsSignedAnew() throws Exception {
        node.relay.fault(ServedChain.Manner.FORGETFUL);
        assertThatThrownBy(() -> store(chain, LITTLE).commit(TEXT))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isTrue())
                .hasMessageContaining("still under way")
                .hasMessageContaining("commit again");
        byte[] first = Files.readAllBytes(journal());
        assertThatThrownBy(() -> store(chain, LITTLE).commit(TEXT)).hasMessageContaining("still under way");
        assertThat(Files.readAllBytes(journal())).isEqualTo(first);
        byte[] extrinsic =
                new CommitJournal(journal()).read().orElseThrow().extrinsic().bytes();
        node.advance(64);
        assertThatThrownBy(() -> node.chain.submit(extrinsic)).isInstanceOf(InvalidExtrinsicException.class);
        long block = node.block() + 1;
        node.relay.fault(ServedChain.Manner.HONEST);
        assertThat(store().commit(TEXT).block()).isEqualTo(block);
        assertThat(node.included()).containsExactly("set_commitment");
    }

    @Test
    void anotherTextFirstEndsTheOneUnderWay() throws Exception {
        node.relay.fault(ServedChain.Manner.FORGETFUL);
        assertThatThrownBy(() -> store(chain, LITTLE).commit(TEXT)).hasMessageContaining("still under way");
        node.relay.fault(ServedChain.Manner.HONEST);
        String other = TEXT.replace('b', 'c');
        assertThat(store().commit(other).text()).isEqualTo(other);
        assertThat(node.included()).containsExactly("set_commitment", "set_commitment");
    }

    @Test
    void dispatchErrorsAreNamedAndEndIt() {
        try (var stranger = Keypair.fromUri("//Charlie")) {
            var store =
                    new CommitmentStore(chain, ServedChain.NETUID, stranger, new CommitJournal(journal()), PATIENCE);
            assertThatThrownBy(() -> store.commit(TEXT))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isFalse())
                    .hasMessageContaining("AccountNotAllowedCommit")
                    .hasMessageContaining("register it first");
        }
        assertThat(journal()).doesNotExist();
    }

    /** What the client foretells is what the chain does: a block earlier it refuses, then it takes it. */
    @Test
    void theBudgetOfTheEpochIsKnownBeforehand() throws Exception {
        node.root(Value.choice(
                "Commitments", new Value.Choice("set_max_space", Value.struct("new_limit", Value.of(199)))));
        store().commit(TEXT);
        String other = TEXT.replace('b', 'c');
        long wait = blocksToWait(other);
        assertThat(wait).isBetween(1L, 21L);
        node.advance(wait - 1);
        assertThat(blocksToWait(other)).isEqualTo(1);
        assertThat(node.included()).hasSize(1);
        assertThat(journal()).doesNotExist();
        node.advance(1);
        assertThat(store().commit(other).text()).isEqualTo(other);
        assertThat(node.included()).hasSize(2);
    }

    @Test
    void aJournalThatIsNotOursIsLeftAlone() throws Exception {
        Files.createDirectories(folder);
        Files.writeString(journal(), "{\"version\": 2}");
        assertThatThrownBy(() -> store().commit(TEXT)).hasMessageContaining("commit.json");
        assertThat(journal()).hasContent("{\"version\": 2}");
        assertThat(node.included()).isEmpty();
    }

    @Test
    void whoWaitsForAnotherProcessIsToldInTime() throws Exception {
        try (var _ = new CommitJournal(journal()).lock(Deadline.in(PATIENCE))) {
            assertThatThrownBy(() -> store(chain, LITTLE).commit(TEXT))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isTrue())
                    .hasMessageContaining("commit.json.lock is held");
        }
        assertThat(store().commit(TEXT).text()).isEqualTo(TEXT);
    }

    /** Nodes throw the states of old blocks away, and the events of a commitment with them; its text stands all the same. */
    @Test
    void oneThatWasIncludedLongAgoIsReadBack() throws Exception {
        var sent = new AtomicBoolean();
        node.relay.fault(new FaultRelay.Fault() {
            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text) {
                sent.compareAndSet(false, method.equals(Optional.of("author_submitAndWatchExtrinsic")));
                return sent.get() ? Optional.empty() : Optional.of(text);
            }
        });
        assertThatThrownBy(() -> store(chain, LITTLE).commit(TEXT)).hasMessageContaining("still under way");
        assertThat(node.included()).containsExactly("set_commitment");
        long old = node.block();
        String discarded = "0x"
                + HexFormat.of().formatHex(node.chain.block(old).orElseThrow().hash());
        String parent = "0x"
                + HexFormat.of()
                        .formatHex(node.chain.block(old - 1).orElseThrow().hash());
        node.advance(300);
        node.relay.fault(new FaultRelay.Fault() {
            @Override
            public boolean request(FaultRelay.Link link, JsonNode request) {
                String at = request.get("params")
                        .path(request.get("params").size() - 1)
                        .asText();
                boolean gone = request.get("method").asText().startsWith("state_")
                        && (at.equals(discarded) || at.equals(parent));
                if (gone) {
                    link.send("{\"id\":" + request.get("id")
                            + ",\"error\":{\"code\":4003,\"message\":\"State already discarded\"}}");
                }
                return !gone;
            }
        });
        assertThat(store().commit(TEXT).block()).isEqualTo(old);
        assertThat(node.included()).containsExactly("set_commitment");
        assertThat(journal()).doesNotExist();
    }

    /** Another text comes between the inclusion and the look at it. */
    @Test
    void aTextThatTheChainDoesNotHoldIsNoSuccess() throws Exception {
        String other = "another:text";
        node.relay.fault(new FaultRelay.Fault() {
            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text)
                    throws IOException {
                if (text.contains("finalized")) {
                    node.commit(node.miner, other);
                }
                return Optional.of(text);
            }
        });
        assertThatThrownBy(() -> store().commit(TEXT))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isTrue())
                .hasMessageContaining("committed \"" + TEXT + "\", but the chain says " + other);
    }

    /** A call's own limits are far beyond a commitment's patience here. */
    @Test
    void aCommitmentEndsInItsTimeWhateverANodeDoes() throws Exception {
        var hour = Duration.ofHours(1);
        node.relay.fault(new FaultRelay.Fault() {
            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text) {
                return Optional.empty();
            }
        });
        var settings = new RpcSettings(hour, hour, hour, Duration.ofMillis(20), hour);
        try (var silent = new ChainClient(List.of(node.address()), Optional.empty(), settings)) {
            assertThatThrownBy(() -> store(silent, LITTLE).commit(TEXT))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isTrue())
                    .hasMessageContaining("no answer within");
        }
    }

    private long blocksToWait(String text) {
        var blocks = new long[1];
        assertThatThrownBy(() -> store().commit(text))
                .isInstanceOfSatisfying(CommitTooSoonException.class, e -> blocks[0] = e.blocksToWait());
        return blocks[0];
    }

    private Path journal() {
        return folder.resolve("commit.json");
    }

    private CommitmentStore store() {
        return store(chain, PATIENCE);
    }

    private CommitmentStore store(ChainClient client, Duration patience) {
        return new CommitmentStore(client, ServedChain.NETUID, node.miner, new CommitJournal(journal()), patience);
    }
}
