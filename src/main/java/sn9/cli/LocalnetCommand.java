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
import sn9.localnet.LocalChain;
import sn9.localnet.hub.HubServer;

/**
 * {@code localnet}: the embedded network of this machine, for rehearsal and the quick start. Without one of the commands
 * below it serves the network until it is stopped.
 */
@Command(
        name = "localnet",
        description = {
            "Make, look at and rehearse with the embedded local network (a Hub and a chain in one folder).",
            "With --hub_port it serves a network that is there, on 127.0.0.1, until it is stopped."
        },
        subcommands = {
            LocalnetCreateCommand.class,
            LocalnetAdvanceCommand.class,
            LocalnetShowCommand.class,
            LocalnetCommitCommand.class,
            LocalnetPublishCommand.class
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

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (hubPort == null) {
            throw Main.missingCommand(spec);
        }
        if (directory == null) {
            throw Usage.error(spec, "--hub_port needs --localnet_dir, the network to serve");
        }
        if (hubPort < 0 || hubPort > 65_535) {
            throw Usage.error(spec, "--hub_port is " + hubPort + ", expected 0 (any free one) to 65535");
        }
        LocalChain.observe(directory, InstantSource.system()).close();
        var stopped = new CountDownLatch(1);
        var answer = new LinkedHashMap<String, Object>();
        answer.put("localnet_dir", directory.toString());
        var output = Output.of(spec, json);
        try (var _ = GracefulStop.onSignal(stopped::countDown);
                var hub = HubServer.start(directory, hubPort)) {
            answer.put("hub", hub.address().toString());
            output.text("the Hub of " + directory + " is at " + hub.address());
            output.json(answer);
            stopped.await();
        }
        return ExitCode.DONE;
    }
}
