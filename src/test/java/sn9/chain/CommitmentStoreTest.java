package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;
import sn9.subnet.CommitTooSoonException;
import sn9.wallet.Keypair;

/** Commitments against a node on good and on bad days: no text is committed twice, none is lost. */
@Timeout(60)
class CommitmentStoreTest {
    private static final String TEXT = "org:model:" + "a".repeat(40) + ":" + "b".repeat(43) + "=";

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
    private ChainClient chain;

    @BeforeEach
    void start() throws IOException {
        node = new LiveNode();
        chain = client();
    }

    @AfterEach
    void stop() {
        if (node != null) {
            chain.close();
            node.close();
        }
    }

    @Test
    void commitsOnceAndReadsItBack() throws Exception {
        var commitment = store().commit(TEXT);
        assertThat(commitment.text()).isEqualTo(TEXT);
        assertThat(commitment.block()).isEqualTo(109);
        assertThat(store().commit(TEXT)).isEqualTo(commitment);
        assertThat(node.included()).containsExactly("set_commitment");
        assertThat(journal()).doesNotExist();
    }

    @ParameterizedTest
    @EnumSource(LiveNode.Manner.class)
    void everyBadDayEndsInOneCommitment(LiveNode.Manner manner) throws Exception {
        node.manner = manner;
        try {
            store().commit(TEXT);
        } catch (RemoteCallException e) {
            assertThat(e.retryable()).isTrue();
            assertThat(e).hasMessageContaining("commit again");
            assertThat(journal()).exists();
        }
        node.manner = LiveNode.Manner.HONEST;
        try (var again = client()) {
            assertThat(store(again).commit(TEXT).text()).isEqualTo(TEXT);
        }
        assertThat(node.included()).containsExactly("set_commitment");
        assertThat(journal()).doesNotExist();
    }

    @Test
    void oneThatCannotBeIncludedAnyMoreIsSignedAnew() throws Exception {
        node.manner = LiveNode.Manner.FORGETFUL;
        assertThatThrownBy(() -> store().commit(TEXT)).hasMessageContaining("still under way");
        byte[] first = Files.readAllBytes(journal());
        assertThatThrownBy(() -> store().commit(TEXT)).hasMessageContaining("still under way");
        assertThat(Files.readAllBytes(journal())).isEqualTo(first);
        node.advance(64);
        node.manner = LiveNode.Manner.HONEST;
        assertThat(store().commit(TEXT).block()).isGreaterThan(108 + 64);
        assertThat(node.included()).containsExactly("set_commitment");
    }

    @Test
    void anotherTextFirstEndsTheOneUnderWay() throws Exception {
        node.manner = LiveNode.Manner.FORGETFUL;
        assertThatThrownBy(() -> store().commit(TEXT)).hasMessageContaining("still under way");
        node.manner = LiveNode.Manner.HONEST;
        String other = TEXT.replace('b', 'c');
        assertThat(store().commit(other).text()).isEqualTo(other);
        assertThat(node.included()).containsExactly("set_commitment", "set_commitment");
    }

    @Test
    void dispatchErrorsAreNamedAndEndIt() throws Exception {
        node.events = "set_commitment by unregistered";
        assertThatThrownBy(() -> store().commit(TEXT))
                .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                        .isFalse())
                .hasMessageContaining("AccountNotAllowedCommit")
                .hasMessageContaining("register it first");
        assertThat(journal()).doesNotExist();
    }

    @Test
    void theBudgetOfTheEpochIsKnownBeforehand() throws Exception {
        node.store("SubtensorModule", "Tempo", Value.of(10), Value.of(9));
        // Block 109 lies in epoch (109 + 10) / 11 = 10, which ends after block 110.
        node.store(
                "Commitments",
                "UsedSpaceOf",
                Value.struct("last_epoch", Value.of(10), "used_space", Value.of(3001)),
                Value.of(9),
                Value.of(hotkey.publicKey()));
        assertThatThrownBy(() -> store().commit(TEXT))
                .isInstanceOfSatisfying(CommitTooSoonException.class, e -> assertThat(e.blocksToWait())
                        .isEqualTo(2));
        assertThat(node.included()).isEmpty();
        assertThat(journal()).doesNotExist();
        node.advance(2);
        store().commit(TEXT);
        assertThat(node.included()).containsExactly("set_commitment");
    }

    @Test
    void aJournalThatIsNotOursIsLeftAlone() throws Exception {
        Files.createDirectories(folder);
        Files.writeString(journal(), "{\"version\": 2}");
        assertThatThrownBy(() -> store().commit(TEXT)).hasMessageContaining("commit.json");
        assertThat(journal()).hasContent("{\"version\": 2}");
        assertThat(node.included()).isEmpty();
    }

    private Path journal() {
        return folder.resolve("commit.json");
    }

    private ChainClient client() {
        return new ChainClient(List.of(node.address()), Optional.empty(), QUICK);
    }

    private CommitmentStore store() {
        return store(chain);
    }

    private CommitmentStore store(ChainClient client) {
        return new CommitmentStore(
                client, 9, hotkey, new CommitJournal(journal()), new Extrinsics(client, Duration.ofMillis(1500)));
    }
}
