package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import picocli.CommandLine.Option;
import sn9.localnet.chain.EmbeddedChain;

/** The embedded local network of a command that knows no other. */
public final class LocalnetDirOption {
    @Option(
            names = "--localnet_dir",
            paramLabel = "DIR",
            required = true,
            description = "Folder of the embedded local network.")
    private Path directory;

    /** Folder of the local network. */
    public Path directory() {
        return directory;
    }

    /** Opens the network's chain past its server, if there is one; a network that is not there is not made. */
    EmbeddedChain open() throws IOException {
        return EmbeddedChain.open(EmbeddedChain.file(directory), InstantSource.system());
    }
}
