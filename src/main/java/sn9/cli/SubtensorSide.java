package sn9.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import sn9.RemoteCallException;
import sn9.chain.ChainClient;
import sn9.chain.ChainException;
import sn9.chain.RpcSettings;
import sn9.chain.SubtensorChain;
import sn9.localnet.rpc.ChainServer;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.SubnetChain;
import sn9.wallet.Keypair;
import sn9.wallet.Wallet;

/** A Subtensor chain behind an endpoint. A wallet without a hotkey's keyfile can look, and nothing else. */
final class SubtensorSide implements ChainSide {
    private final CommandSpec spec;
    private final Wallet wallet;
    private final SubtensorOptions subtensor;
    private final Optional<Keypair> hotkey;
    private final SubnetChain chain;
    private final ModelMetadataStore metadata;
    private final ChainClient client;

    private SubtensorSide(
            CommandSpec spec,
            Wallet wallet,
            SubtensorOptions subtensor,
            Optional<Keypair> hotkey,
            SubnetChain chain,
            ModelMetadataStore metadata,
            ChainClient client) {
        this.spec = spec;
        this.wallet = wallet;
        this.subtensor = subtensor;
        this.hotkey = hotkey;
        this.chain = chain;
        this.metadata = metadata;
        this.client = client;
    }

    static SubtensorSide open(CommandSpec spec, SubtensorOptions subtensor, WalletOptions options)
            throws IOException, InterruptedException {
        var wallet = options.wallet(spec);
        if (!Files.exists(wallet.hotkeyFile())) {
            var reader = subtensor.reader(spec);
            return new SubtensorSide(spec, wallet, subtensor, Optional.empty(), reader, reader, reader.client());
        }
        var hotkey = wallet.hotkey(KeyPasswords.of(spec, wallet));
        try {
            var folder = LoggingOptions.of(spec)
                    .orElseThrow()
                    .loggingDir()
                    .resolve(options.name())
                    .resolve(options.hotkey());
            var chain = SubtensorChain.open(
                    subtensor.endpoints(spec),
                    subtensor.genesis(spec),
                    subtensor.netuid(),
                    hotkey,
                    folder,
                    RpcSettings.standard());
            return new SubtensorSide(
                    spec, wallet, subtensor, Optional.of(hotkey), chain, chain.commitments(), chain.client());
        } catch (RemoteCallException | InterruptedException | RuntimeException e) {
            hotkey.close();
            throw e;
        }
    }

    @Override
    public SubnetChain chain() {
        return chain;
    }

    @Override
    public ModelMetadataStore metadata() {
        return metadata;
    }

    @Override
    public String hotkey() {
        return hotkey.map(Keypair::address)
                .orElseThrow(() -> Usage.error(
                        spec,
                        "there is no hotkey " + wallet.hotkeyFile()
                                + ": --wallet.name and --wallet.hotkey name one, 'sn9 wallet new' makes one;"
                                + " --localnet_dir DIR rehearses without one"));
    }

    @Override
    public boolean isLocal() throws RemoteCallException, InterruptedException {
        return client.name().equals(ChainServer.NAME);
    }

    /** A slot of a chain costs TAO, which is the coldkey's to spend. */
    @Override
    public void ensureRegistered(double localStake) throws RemoteCallException, InterruptedException {
        String address = hotkey(); // who has none is told so before a chain is asked
        if (chain.metagraph().find(address).isEmpty()) {
            throw new ChainException(
                    "hotkey " + address + " is not registered on subnet " + subtensor.netuid()
                            + ": 'sn9 register' with the same flags registers it, for TAO of its coldkey",
                    false);
        }
    }

    @Override
    public void close() throws RemoteCallException {
        chain.close();
        hotkey.ifPresent(Keypair::close);
    }
}
