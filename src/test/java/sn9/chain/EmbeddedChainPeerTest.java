package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;
import sn9.subnet.Neuron;
import sn9.wallet.Keypair;

/** The client against the embedded chain's server, over loopback. */
@Timeout(120)
class EmbeddedChainPeerTest {
    private static final String TEXT = "org:model:" + "a".repeat(40) + ":" + "b".repeat(43) + "=";

    @TempDir
    Path net;

    @TempDir
    Path state;

    private final Keypair hotkey = Keypair.fromUri("//Alice//hk");
    private final Keypair coldkey = Keypair.fromUri("//Alice");

    /** As a served network and a command with --localnet_dir beside it. */
    @Test
    void twoNodesServeOneFolder() throws Exception {
        LocalChain.open(net, LocalIdentity.of("miner", "default")).close();
        try (var one = ChainServer.start(net, 0, ChainSettings.AT_ONCE);
                var two = ChainServer.start(net, 0, ChainSettings.AT_ONCE);
                var other = Keypair.fromUri("//Bob//hk")) {
            one.chain().register(hotkey.publicKey(), coldkey.publicKey(), 0);
            two.chain().register(other.publicKey(), coldkey.publicKey(), 0);
            try (var first = open(one, hotkey);
                    var second = open(two, other);
                    var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var commits = List.of(
                        threads.submit(() -> commitEach(first, "first")),
                        threads.submit(() -> commitEach(second, "second")));
                for (var commit : commits) {
                    commit.get();
                }
                for (var node : List.of(first, second)) {
                    while (node.block() < one.chain().best().number()) {
                        Thread.sleep(Duration.ofMillis(10)); // it looks for the other's blocks ten times a second
                    }
                    var commitments = node.commitments().commitments();
                    assertThat(commitments.get(hotkey.address()).text()).isEqualTo("first 9");
                    assertThat(commitments.get(other.address()).text()).isEqualTo("second 9");
                }
            }
            for (var key : List.of(hotkey, other)) {
                assertThat(one.chain().nonce(key.publicKey())).isEqualTo(10);
            }
        }
    }

    private SubtensorChain open(ChainServer node, Keypair key) throws Exception {
        return SubtensorChain.open(
                List.of(node.address().toString()), Optional.empty(), 9, key, state, RpcSettings.standard());
    }

    private static Void commitEach(SubtensorChain chain, String name) throws Exception {
        for (int i = 0; i < 10; i++) {
            assertThat(chain.commitments().commit(name + " " + i).text()).isEqualTo(name + " " + i);
        }
        return null;
    }

    @Test
    void commitsSetsWeightsAndReadsEverythingBack() throws Exception {
        var parameters = LocalChainParameters.defaults().withBlockTime(Duration.ofMillis(250));
        LocalChain.open(net, LocalIdentity.of("miner", "default"), parameters, InstantSource.system())
                .close();
        try (var embedded = EmbeddedChain.open(EmbeddedChain.file(net), InstantSource.system());
                var server = ChainServer.start(net, 0, ChainSettings.USUAL)) {
            int uid = embedded.register(hotkey.publicKey(), coldkey.publicKey(), 1000);
            try (var chain = SubtensorChain.open(
                    List.of(server.address().toString()), Optional.empty(), 9, hotkey, state, RpcSettings.standard())) {
                // The metagraph is read at a finished block: the slot shows when the open one has ended.
                Optional<Neuron> found = Optional.empty();
                while (found.isEmpty()) {
                    found = chain.metagraph().find(hotkey.address());
                }
                var neuron = found.orElseThrow();
                assertThat(neuron.uid()).isEqualTo(uid);
                assertThat(neuron.coldkey()).isEqualTo(coldkey.address());

                var commitment = chain.commitments().commit(TEXT);
                assertThat(commitment.text()).isEqualTo(TEXT);
                assertThat(chain.commitments().commit(TEXT)).isEqualTo(commitment);
                assertThat(chain.commitments().commitments()).containsEntry(hotkey.address(), commitment);

                long block = chain.setWeights(new int[] {uid}, new int[] {65_535}, 0);
                assertThat(block).isGreaterThan(commitment.block());
                assertThat(Weights.standing(chain.client().head(), 9).get(uid)).containsEntry(uid, 65_535);
            }
        }
    }
}
