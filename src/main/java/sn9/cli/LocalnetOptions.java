package sn9.cli;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

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

    /** Seconds per block, above 0. */
    public double blockSeconds() {
        return blockSeconds;
    }
}
