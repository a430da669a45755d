package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import sn9.RemoteCallException;
import sn9.hub.HubModelStore;
import sn9.localnet.hub.LocalHub;
import sn9.miner.NetworkModels;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RuleSet;
import sn9.subnet.SubnetChain;

/** The network a command acts on, behind its ports. The one place that decides which adapters those are. */
public final class Network implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Network.class);

    private final ChainSide side;
    private final RemoteModelStore store;
    private final RuleSet rules;

    private Network(ChainSide side, RemoteModelStore store, RuleSet rules) {
        this.side = side;
        this.store = store;
        this.rules = rules;
    }

    /**
     * Opens the network that the flags name, as the neuron that they name. The models of a local network are in its own
     * folder unless a Hub is named.
     *
     * @param directory of a local network that is there, in place of a chain
     * @param privately whether repositories that have to be created are private
     * @throws picocli.CommandLine.ParameterException when there is no such network, or it serves another subnet
     */
    public static Network open(
            CommandSpec spec,
            Optional<Path> directory,
            SubtensorOptions subtensor,
            WalletOptions wallet,
            RuleSet rules,
            HubOptions hub,
            boolean privately)
            throws IOException, InterruptedException {
        ChainSide side = directory.isPresent()
                ? LocalSide.open(spec, directory.get(), subtensor.netuid(), wallet)
                : SubtensorSide.open(spec, subtensor, wallet);
        try {
            RemoteModelStore store =
                    hub.isNamed() || directory.isEmpty() ? hub.open(spec, privately) : LocalHub.open(directory.get());
            return new Network(side, store, rules);
        } catch (IOException | RuntimeException e) {
            side.close();
            throw e;
        }
    }

    /** Block, metagraph and weights. */
    public SubnetChain chain() {
        return side.chain();
    }

    /** Commitments; those made here are this neuron's. */
    public ModelMetadataStore metadata() {
        return side.metadata();
    }

    /** The files of models. */
    public RemoteModelStore store() {
        return store;
    }

    /** The Hub behind {@link #store}, when it is one. */
    Optional<HubModelStore> hub() {
        return store instanceof HubModelStore hub ? Optional.of(hub) : Optional.empty();
    }

    /** Fails now where an upload would fail after hours of training: no token, or one that may only read. */
    void checkMayUpload() throws IOException, InterruptedException {
        if (store instanceof HubModelStore hub) {
            var account = hub.checkMayWrite();
            LOG.info("hub account={}", account);
        }
    }

    /** Published models, fetched and verified. */
    public NetworkModels models() {
        return new NetworkModels(chain(), metadata(), store, rules);
    }

    /** SS58 address of this neuron's hotkey. */
    public String hotkey() {
        return side.hotkey();
    }

    /**
     * Keeps rehearsals away from genuine networks.
     *
     * @throws RemoteCallException not retryable when this is no local network
     */
    void requireLocal() throws RemoteCallException, InterruptedException {
        if (!side.isLocal()) {
            throw new RemoteCallException(
                    "this is for rehearsals, and the chain is no local network; 'sn9 localnet --chain_port' serves one",
                    false);
        }
    }

    /**
     * Makes sure that this neuron has a slot. On the local network it simply gets one; on a chain that costs TAO and is
     * left to its owner.
     *
     * @param localStake stake in TAO that it gets with a new slot of the local network; above 0 it may set weights
     * @throws RemoteCallException when there is no slot to be had
     */
    public void ensureRegistered(double localStake) throws RemoteCallException, InterruptedException {
        side.ensureRegistered(localStake);
    }

    @Override
    public void close() throws IOException {
        hub().ifPresent(HubModelStore::close);
        side.close();
    }
}
