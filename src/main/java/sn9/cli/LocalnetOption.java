package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.subnet.RuleSet;

/** The embedded local network of a command that acts on a chain as well; it has to be there. */
public final class LocalnetOption {
    @Option(
            names = "--localnet_dir",
            paramLabel = "DIR",
            description = "Use the embedded local network kept in this folder instead of a chain and the Hub.")
    private Path directory;

    /** Folder of the local network, when one is used. */
    public Optional<Path> directory() {
        return Optional.ofNullable(directory);
    }

    /**
     * Opens a network to do what may only be done in a rehearsal.
     *
     * @throws picocli.CommandLine.ParameterException when none is named
     * @throws sn9.RemoteCallException not retryable when the one that is named is genuine
     */
    Network rehearse(CommandSpec spec, SubtensorOptions subtensor, WalletOptions wallet, HubOptions hub)
            throws IOException, InterruptedException {
        if (directory == null && !SubtensorOptions.isNamed(spec)) {
            throw Usage.error(
                    spec,
                    "a local network is missing: give its --localnet_dir, or its served chain's"
                            + " --subtensor.chain_endpoint");
        }
        var network = Network.open(spec, directory(), subtensor, wallet, RuleSet.B2, hub, false);
        try {
            network.requireLocal();
            network.hotkey();
            return network;
        } catch (IOException | InterruptedException | RuntimeException e) {
            network.close();
            throw e;
        }
    }
}
