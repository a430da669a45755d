package sn9.cli;

import java.util.Optional;
import picocli.CommandLine.Option;

/** Which chain and subnet a neuron lives on. */
public final class SubtensorOptions {
    @Option(
            names = "--subtensor.network",
            paramLabel = "NAME",
            defaultValue = "finney",
            description = "Name of the chain: finney, test or local. Not read with --localnet_dir."
                    + " Default: ${DEFAULT-VALUE}")
    private String network;

    @Option(
            names = "--subtensor.chain_endpoint",
            paramLabel = "URL",
            description = "Address of the chain's WebSocket, in place of the network's own. Not read with"
                    + " --localnet_dir.")
    private String chainEndpoint;

    @Option(
            names = "--netuid",
            paramLabel = "N",
            defaultValue = "9",
            description = "The subnet. Default: ${DEFAULT-VALUE}")
    private int netuid;

    /** Name of the chain. */
    public String network() {
        return network;
    }

    /** Address of the chain, when it is not the network's own. */
    public Optional<String> chainEndpoint() {
        return Optional.ofNullable(chainEndpoint);
    }

    /** The subnet. */
    public int netuid() {
        return netuid;
    }
}
