package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import sn9.chain.RpcSettings;
import sn9.chain.SubnetReader;
import sn9.localnet.rpc.ChainServer;

/** The subnet that the flags name, to look at: of a chain, or of a local network's folder, which needs no server then. */
final class SubnetView implements AutoCloseable {
    private final Optional<ChainServer> node;
    private final SubnetReader reader;

    private SubnetView(Optional<ChainServer> node, SubnetReader reader) {
        this.node = node;
        this.reader = reader;
    }

    /**
     * Opens it.
     *
     * @param directory of a local network that is there
     * @throws picocli.CommandLine.ParameterException when there is no such chain, or it serves another subnet
     */
    static SubnetView open(CommandSpec spec, Optional<Path> directory, SubtensorOptions subtensor) throws IOException {
        if (directory.isEmpty()) {
            return new SubnetView(Optional.empty(), subtensor.reader(spec));
        }
        var node = LocalSide.node(spec, directory.get(), subtensor.netuid());
        return new SubnetView(Optional.of(node), reader(node));
    }

    /** What a node serves of its subnet. */
    static SubnetReader reader(ChainServer node) throws IOException {
        return new SubnetReader(
                List.of(node.address().toString()),
                Optional.empty(),
                node.chain().parameters().netuid(),
                RpcSettings.standard());
    }

    /** Answers at the latest block. */
    SubnetReader reader() {
        return reader;
    }

    @Override
    public void close() throws IOException {
        reader.close();
        if (node.isPresent()) {
            node.get().close();
        }
    }
}
