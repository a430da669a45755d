package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import picocli.CommandLine.Option;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalIdentity;

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

    /** Opens the network's chain as one of its neurons; a network that is not there is not made. */
    LocalChain openAs(LocalIdentity who) throws IOException {
        return LocalChain.openExisting(directory, who, InstantSource.system());
    }

    /** Opens the network's chain to look at and to rehearse with; a network that is not there is not made. */
    LocalChain observe() throws IOException {
        return LocalChain.observe(directory, InstantSource.system());
    }
}
