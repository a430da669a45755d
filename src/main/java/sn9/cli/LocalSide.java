package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import sn9.RemoteCallException;
import sn9.chain.ChainException;
import sn9.chain.RpcSettings;
import sn9.chain.SubtensorChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.SubnetChain;
import sn9.wallet.Keypair;
import sn9.wallet.Ss58;

/**
 * The chain of a local network's folder, as one neuron: a node of this process serves it, and the same client that speaks
 * to other chains speaks to that. Other processes may have nodes of their own on the same folder.
 */
final class LocalSide implements ChainSide {
    private static final Logger LOG = LoggerFactory.getLogger(LocalSide.class);

    /** Where neurons keep what they have under way, in the network's folder. */
    private static final String NEURONS = "neurons";

    private final ChainServer node;
    private final LocalIdentity identity;
    private final Keypair hotkey;
    private final SubtensorChain chain;

    private LocalSide(ChainServer node, LocalIdentity identity, Keypair hotkey, SubtensorChain chain) {
        this.node = node;
        this.identity = identity;
        this.hotkey = hotkey;
        this.chain = chain;
    }

    static LocalSide open(CommandSpec spec, Path directory, int netuid, WalletOptions wallet)
            throws IOException, InterruptedException {
        var identity = Usage.checked(spec, () -> LocalIdentity.of(wallet.name(), wallet.hotkey()));
        var node = node(spec, directory, netuid);
        var hotkey = LocalIdentity.hotkey(wallet.name(), wallet.hotkey());
        try {
            var chain = SubtensorChain.open(
                    List.of(node.address().toString()),
                    Optional.empty(),
                    netuid,
                    hotkey,
                    directory.resolve(NEURONS),
                    RpcSettings.standard());
            return new LocalSide(node, identity, hotkey, chain);
        } catch (IOException | InterruptedException | RuntimeException e) {
            hotkey.close();
            node.close();
            throw e;
        }
    }

    /**
     * Serves a folder's chain to this process. Blocks come with every extrinsic, so that nobody waits for the clock.
     *
     * @throws picocli.CommandLine.ParameterException when it is of another subnet
     */
    static ChainServer node(CommandSpec spec, Path directory, int netuid) throws IOException {
        var node = ChainServer.start(directory, 0, ChainSettings.AT_ONCE);
        int served = node.chain().parameters().netuid();
        if (served != netuid) {
            node.close();
            throw Usage.error(
                    spec, "--netuid is " + netuid + ", the local network in " + directory + " serves " + served);
        }
        return node;
    }

    @Override
    public SubnetChain chain() {
        return chain;
    }

    @Override
    public ModelMetadataStore metadata() {
        return chain.commitments();
    }

    @Override
    public String hotkey() {
        return identity.hotkey();
    }

    @Override
    public boolean isLocal() {
        return true;
    }

    @Override
    public void ensureRegistered(double localStake) throws RemoteCallException, InterruptedException {
        if (chain.metagraph().find(identity.hotkey()).isPresent()) {
            return;
        }
        try {
            int uid =
                    node.chain().register(Ss58.decode(identity.hotkey()), Ss58.decode(identity.coldkey()), localStake);
            node.makeBlock();
            LOG.info("registered uid={} hotkey={} on the local network", uid, identity.hotkey());
        } catch (RemoteCallException e) {
            throw e;
        } catch (IOException e) {
            throw new ChainException("not registered on the local network: " + e.getMessage(), false, e);
        }
    }

    @Override
    public void close() throws IOException {
        chain.close();
        hotkey.close();
        node.close();
    }
}
