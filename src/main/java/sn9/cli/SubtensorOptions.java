package sn9.cli;

import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.chain.KnownChain;
import sn9.chain.RpcSettings;
import sn9.chain.SubnetReader;

/** Which chain and subnet a neuron lives on. */
public final class SubtensorOptions {
    @Option(
            names = "--subtensor.network",
            paramLabel = "NAME",
            defaultValue = "finney",
            description = "Name of the chain: finney, test or local, or its address. Not read with --localnet_dir."
                    + " Default: ${DEFAULT-VALUE}")
    private String network;

    @Option(
            names = "--subtensor.chain_endpoint",
            paramLabel = "URL",
            split = ",",
            description = "Address of the chain's WebSocket, in place of the network's own; several, with commas, are"
                    + " tried in order. Not read with --localnet_dir.")
    private List<String> chainEndpoints;

    @Option(
            names = "--netuid",
            paramLabel = "N",
            defaultValue = "9",
            description = "The subnet. Default: ${DEFAULT-VALUE}")
    private int netuid;

    /**
     * Addresses of the chain, tried in order.
     *
     * @throws picocli.CommandLine.ParameterException when the network is neither known nor an address
     */
    List<String> endpoints(CommandSpec spec) {
        if (chainEndpoints != null) {
            return chainEndpoints;
        }
        if (network.startsWith("ws://") || network.startsWith("wss://")) {
            return List.of(network);
        }
        return KnownChain.of(network)
                .map(KnownChain::endpoints)
                .orElseThrow(() -> Usage.error(
                        spec,
                        "--subtensor.network is " + network
                                + ", expected finney, test, local or an address that begins with wss:// or ws://"));
    }

    /** The hash of the first block that the chain must have, when it is known by name. */
    Optional<String> genesis() {
        return chainEndpoints == null ? KnownChain.of(network).flatMap(KnownChain::genesis) : Optional.empty();
    }

    /** The subnet to look at, without a key. */
    SubnetReader reader(CommandSpec spec) {
        return new SubnetReader(endpoints(spec), genesis(), netuid, RpcSettings.standard());
    }

    /** The subnet. */
    public int netuid() {
        return netuid;
    }
}
