package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
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

    @Test
    void commitsSetsWeightsAndReadsEverythingBack() throws Exception {
        var parameters = LocalChainParameters.defaults().withBlockTime(Duration.ofMillis(250));
        LocalChain.open(net, LocalIdentity.of("miner", "default"), parameters, InstantSource.system())
                .close();
        try (var embedded = EmbeddedChain.open(LocalChain.file(net), InstantSource.system());
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
