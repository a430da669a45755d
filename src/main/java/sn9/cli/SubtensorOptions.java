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
    private static final String NETWORK = "--subtensor.network";
    private static final String ENDPOINT = "--subtensor.chain_endpoint";

    @Option(
            names = NETWORK,
            paramLabel = "NAME",
            defaultValue = "finney",
            description = "Name of the chain: finney, test or local, or its address. Not read with --localnet_dir."
                    + " Default: ${DEFAULT-VALUE}")
    private String network;

    @Option(
            names = ENDPOINT,
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
     * @throws picocli.CommandLine.ParameterException when the network is neither known nor an address, or an endpoint is none
     */
    List<String> endpoints(CommandSpec spec) {
        if (chainEndpoints != null) {
            for (String endpoint : chainEndpoints) {
                if (!isAddress(endpoint)) {
                    throw Usage.error(
                            spec,
                            ENDPOINT + " is " + endpoint + ", expected an address that begins with wss:// or ws://");
                }
            }
            return chainEndpoints;
        }
        if (isAddress(network)) {
            return List.of(network);
        }
        return KnownChain.of(network)
                .map(KnownChain::endpoints)
                .orElseThrow(() -> Usage.error(
                        spec,
                        "--subtensor.network is " + network
                                + ", expected finney, test, local or an address that begins with wss:// or ws://"));
    }

    private static boolean isAddress(String text) {
        return text.startsWith("ws://") || text.startsWith("wss://");
    }

    /** Whether the user named a chain. */
    static boolean isNamed(CommandSpec spec) {
        var flags = spec.commandLine().getParseResult();
        return flags.hasMatchedOption(NETWORK) || flags.hasMatchedOption(ENDPOINT);
    }

    /** The hash of the first block that the chain must have: of the network that is named, or that has no other endpoint. */
    Optional<String> genesis(CommandSpec spec) {
        boolean certain =
                chainEndpoints == null || spec.commandLine().getParseResult().hasMatchedOption(NETWORK);
        return certain ? KnownChain.of(network).flatMap(KnownChain::genesis) : Optional.empty();
    }

    /** The subnet to look at, without a key. */
    SubnetReader reader(CommandSpec spec) {
        return new SubnetReader(endpoints(spec), genesis(spec), netuid, RpcSettings.standard());
    }

    /** The subnet. */
    public int netuid() {
        return netuid;
    }
}
