package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import sn9.RemoteCallException;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.chain.LocalChainParameters;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.SubnetChain;

/** The embedded chain in this process; made when missing. */
final class LocalSide implements ChainSide {
    private static final Logger LOG = LoggerFactory.getLogger(LocalSide.class);

    private final LocalChain chain;
    private final LocalIdentity identity;

    private LocalSide(LocalChain chain, LocalIdentity identity) {
        this.chain = chain;
        this.identity = identity;
    }

    static LocalSide open(CommandSpec spec, Path directory, double blockSeconds, int netuid, WalletOptions wallet)
            throws IOException {
        var identity = Usage.checked(spec, () -> LocalIdentity.of(wallet.name(), wallet.hotkey()));
        var parameters = Usage.checked(spec, () -> parameters(netuid, blockSeconds));
        var chain = LocalChain.open(directory, identity, parameters, InstantSource.system());
        int served = chain.parameters().netuid();
        if (served != netuid) {
            chain.close();
            throw Usage.error(
                    spec, "--netuid is " + netuid + ", the local network in " + directory + " serves " + served);
        }
        return new LocalSide(chain, identity);
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

    @Override
    public SubnetChain chain() {
        return chain;
    }

    @Override
    public ModelMetadataStore metadata() {
        return chain;
    }

    @Override
    public String hotkey() {
        return identity.hotkey();
    }

    @Override
    public void ensureRegistered(double localStake) throws RemoteCallException {
        if (chain.metagraph().find(identity.hotkey()).isEmpty()) {
            int uid = chain.register(identity, localStake);
            LOG.info("registered uid={} hotkey={} on the local network", uid, identity.hotkey());
        }
    }

    @Override
    public void close() throws RemoteCallException {
        chain.close();
    }
}
