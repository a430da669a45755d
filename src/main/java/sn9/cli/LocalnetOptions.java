package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.LocalChainParameters;

/** The embedded local network, in place of the chain and the Hub. */
public final class LocalnetOptions {
    @Option(
            names = "--localnet_dir",
            paramLabel = "DIR",
            description = "Use the embedded local network kept in this folder instead of a chain and the Hub;"
                    + " it is made when missing.")
    private Path directory;

    @Option(
            names = "--block_seconds",
            paramLabel = "SECONDS",
            defaultValue = "12",
            description = "Seconds per block of the local network; whoever makes the network decides."
                    + " Default: ${DEFAULT-VALUE}")
    private double blockSeconds;

    /** Folder of the local network, when one is used. */
    public Optional<Path> directory() {
        return Optional.ofNullable(directory);
    }

    /**
     * Folder of the local network, when one is used; it is there afterwards.
     *
     * @param netuid the subnet that a new one serves
     */
    Optional<Path> existing(CommandSpec spec, int netuid) throws IOException {
        if (directory != null) {
            var parameters = Usage.checked(spec, () -> LocalChainParameters.defaults()
                    .withNetuid(netuid)
                    .withBlockTime(Duration.ofMillis(Math.round(blockSeconds * 1000))));
            EmbeddedChain.createIfAbsent(EmbeddedChain.file(directory), parameters, Instant.now());
        }
        return directory();
    }
}
