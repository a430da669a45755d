package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.dataset.DatasetServer;
import sn9.localnet.hub.HubServer;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;

/**
 * {@code localnet}: the embedded network of this machine, for rehearsal and the quick start. Without one of the commands
 * below it serves the network until it is stopped.
 */
@Command(
        name = "localnet",
        description = {
            "Make, look at and rehearse with the embedded local network (a Hub and a chain in one folder).",
            "With --hub_port or --chain_port it serves a network that is there, with --dataset_port a corpus as a dataset,"
                    + " all on 127.0.0.1, until it is stopped."
        },
        subcommands = {
            LocalnetCreateCommand.class,
            LocalnetAdvanceCommand.class,
            LocalnetDeregisterCommand.class,
            LocalnetShowCommand.class,
            LocalnetCommitCommand.class,
            LocalnetPublishCommand.class,
            LocalnetTokenCommand.class,
            LocalnetWalletCommand.class
        })
final class LocalnetCommand implements Callable<Integer>, LongRunning {
    @Spec
    private CommandSpec spec;

    // Not LocalnetDirOption: what a command requires, picocli asks for before the commands below it, too.
    @Option(names = "--localnet_dir", paramLabel = "DIR", description = "Folder of the local network to serve.")
    private Path directory;

    @Option(
            names = "--hub_port",
            paramLabel = "PORT",
            description = "Serve the Hub on this port, 0 for any free one. Clients take its address as HF_ENDPOINT.")
    private Integer hubPort;

    @Option(
            names = "--chain_port",
            paramLabel = "PORT",
            description = "Serve the chain on this port, 0 for any free one. Clients take its address for their"
                    + " --subtensor.chain_endpoint.")
    private Integer chainPort;

    @Option(
            names = "--chain_instant",
            description = "Make a block for every extrinsic at once, beside those that follow the clock.")
    private boolean chainInstant;

    @Option(
            names = "--chain_finality_lag",
            paramLabel = "BLOCKS",
            defaultValue = "2",
            description = "Blocks by which the final block is behind the latest. Default: ${DEFAULT-VALUE}")
    private int finalityLag;

    @Option(
            names = "--dataset_port",
            paramLabel = "PORT",
            description =
                    "Serve --dataset_corpus as the dataset local/corpus on this port, 0 for any free one. Miners take"
                            + " --dataset local/corpus and its address for their --dataset_endpoint.")
    private Integer datasetPort;

    @Option(
            names = "--dataset_corpus",
            paramLabel = "PATH",
            description = "Text to serve: a .txt, .jsonl or .parquet file or a folder of them; folders of a folder that"
                    + " holds nothing else are configurations.")
    private Path corpus;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        checkFlags();
        var settings = Usage.checked(spec, () -> new ChainSettings(chainInstant, finalityLag));
        if (directory != null) {
            EmbeddedChain.open(EmbeddedChain.file(directory), InstantSource.system())
                    .close();
        }
        var stopped = new CountDownLatch(1);
        var answer = new LinkedHashMap<String, Object>();
        answer.put("localnet_dir", directory == null ? null : directory.toString());
        var output = Output.of(spec, json);
        try (var _ = GracefulStop.onSignal(stopped::countDown);
                var hub = hubPort == null ? null : HubServer.start(directory, hubPort);
                var chain = chainPort == null ? null : ChainServer.start(directory, chainPort, settings);
                var dataset = datasetPort == null ? null : DatasetServer.start(corpus, datasetPort)) {
            if (hub != null) {
                answer.put("hub", hub.address().toString());
                output.text("the Hub of " + directory + " is at " + hub.address());
            }
            if (chain != null) {
                answer.put("chain", chain.address().toString());
                output.text("the chain of " + directory + " is at " + chain.address());
            }
            if (dataset != null) {
                answer.put("dataset", dataset.address().toString());
                output.text("the dataset " + DatasetServer.ID + " of " + corpus + " is at " + dataset.address());
            }
            output.json(answer);
            stopped.await();
        }
        return ExitCode.DONE;
    }

    private void checkFlags() {
        if (hubPort == null && chainPort == null && datasetPort == null) {
            throw Main.missingCommand(spec);
        }
        if (directory == null && (hubPort != null || chainPort != null)) {
            throw Usage.error(
                    spec,
                    (hubPort == null ? "--chain_port" : "--hub_port") + " needs --localnet_dir, the network to serve");
        }
        if ((corpus == null) != (datasetPort == null)) {
            throw Usage.error(
                    spec, "--dataset_port and --dataset_corpus need each other: where, and the text to serve");
        }
        checkPort("--hub_port", hubPort);
        checkPort("--chain_port", chainPort);
        checkPort("--dataset_port", datasetPort);
    }

    private void checkPort(String flag, Integer port) {
        if (port != null && (port < 0 || port > 65_535)) {
            throw Usage.error(spec, flag + " is " + port + ", expected 0 (any free one) to 65535");
        }
    }
}
