package sn9.cli;

import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import sn9.RemoteCallException;
import sn9.hub.HubModelStore;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalChainParameters;
import sn9.localnet.LocalHub;
import sn9.localnet.LocalIdentity;
import sn9.miner.NetworkModels;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RuleSet;
import sn9.subnet.SubnetChain;

/** The network a command acts on, behind its ports. The one place that decides which adapters those are. */
public final class Network implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Network.class);

    private final LocalChain chain;
    private final RemoteModelStore store;
    private final LocalIdentity identity;
    private final RuleSet rules;

    private Network(LocalChain chain, RemoteModelStore store, LocalIdentity identity, RuleSet rules) {
        this.chain = chain;
        this.store = store;
        this.identity = identity;
        this.rules = rules;
    }

    /**
     * Opens the network that the flags name, as the neuron that they name; a local network is made when missing. Its models
     * are in its own folder unless a Hub is named.
     *
     * @param privately whether repositories that have to be created are private
     * @throws picocli.CommandLine.ParameterException when no network is named, or it serves another subnet
     */
    public static Network open(
            CommandSpec spec,
            LocalnetOptions localnet,
            SubtensorOptions subtensor,
            WalletOptions wallet,
            RuleSet rules,
            HubOptions hub,
            boolean privately)
            throws IOException {
        var directory = localnet.directory()
                .orElseThrow(() -> Usage.error(
                        spec,
                        "--localnet_dir is missing: this version speaks to the embedded local network only, not yet to "
                                + subtensor.network()));
        var identity = Usage.checked(spec, () -> LocalIdentity.of(wallet.name(), wallet.hotkey()));
        var parameters = Usage.checked(spec, () -> parameters(subtensor.netuid(), localnet.blockSeconds()));
        var chain = LocalChain.open(directory, identity, parameters, InstantSource.system());
        int netuid = chain.parameters().netuid();
        if (netuid != subtensor.netuid()) {
            chain.close();
            throw Usage.error(
                    spec,
                    "--netuid is " + subtensor.netuid() + ", the local network in " + directory + " serves " + netuid);
        }
        try {
            RemoteModelStore store = hub.isNamed() ? hub.open(spec, privately) : LocalHub.open(directory);
            return new Network(chain, store, identity, rules);
        } catch (IOException | RuntimeException e) {
            chain.close();
            throw e;
        }
    }

    private static LocalChainParameters parameters(int netuid, double blockSeconds) {
        var usual = LocalChainParameters.defaults();
        return new LocalChainParameters(
                netuid,
                Duration.ofMillis(Math.round(blockSeconds * 1000)),
                usual.tempo(),
                usual.commitInterval(),
                usual.weightsInterval(),
                usual.maxUids());
    }

    /** Block, metagraph and weights. */
    public SubnetChain chain() {
        return chain;
    }

    /** Commitments; those made here are this neuron's. */
    public ModelMetadataStore metadata() {
        return chain;
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
        return new NetworkModels(chain, chain, store, rules);
    }

    /** SS58 address of this neuron's hotkey. */
    public String hotkey() {
        return identity.hotkey();
    }

    /**
     * Makes sure that this neuron has a slot. On the local network it simply gets one; on a chain that costs TAO and is
     * left to its owner.
     *
     * @param localStake stake in TAO that it gets with a new slot of the local network; above 0 it may set weights
     * @throws RemoteCallException when there is no slot to be had
     */
    public void ensureRegistered(double localStake) throws RemoteCallException, InterruptedException {
        if (chain.metagraph().find(identity.hotkey()).isEmpty()) {
            int uid = chain.register(identity, localStake);
            LOG.info("registered uid={} hotkey={} on the local network", uid, identity.hotkey());
        }
    }

    @Override
    public void close() throws RemoteCallException {
        hub().ifPresent(HubModelStore::close);
        chain.close();
    }
}
