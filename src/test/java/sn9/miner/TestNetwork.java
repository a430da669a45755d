package sn9.miner;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import sn9.RemoteCallException;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.hub.LocalHub;
import sn9.subnet.RuleSet;

/** A local network whose blocks pass only when told to, seen by one of its miners. */
final class TestNetwork implements AutoCloseable {
    final Path directory;
    final LocalIdentity identity;
    final LocalChain chain;
    final LocalHub hub;

    /** Opens the network of a directory as a registered miner. */
    TestNetwork(Path directory, String name) throws IOException {
        this.directory = directory;
        this.identity = LocalIdentity.of(name, "default");
        InstantSource still = InstantSource.fixed(Instant.parse("2026-01-01T00:00:00Z"));
        this.chain = LocalChain.open(directory, identity, LocalChainParameters.defaults(), still);
        this.hub = LocalHub.open(directory);
        chain.register(identity, 0);
    }

    NetworkModels models() {
        return new NetworkModels(chain, chain, hub, RuleSet.B2);
    }

    String hotkey() {
        return identity.hotkey();
    }

    /** A publisher for which ten blocks pass whenever it waits. */
    Publisher publisher(Path work) {
        return new Publisher(models(), hotkey(), work, _ -> {
            try {
                chain.advance(10);
            } catch (RemoteCallException e) {
                throw new AssertionError(e);
            }
        });
    }

    @Override
    public void close() throws RemoteCallException {
        chain.close();
    }
}
