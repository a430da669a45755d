package sn9.cli;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code localnet advance}: blocks pass at once. */
@Command(name = "advance", description = "Let blocks of a local network pass at once.")
final class LocalnetAdvanceCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetDirOption localnet;

    @Option(names = "--blocks", paramLabel = "N", required = true, description = "How many, 0 or more.")
    private long blocks;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        if (blocks < 0) {
            throw Usage.error(spec, "--blocks is " + blocks + ", expected 0 or more");
        }
        try (var chain = localnet.open()) {
            chain.advance(blocks);
            long block = chain.best().number();
            var output = Output.of(spec, json);
            output.text("it is block " + block);
            output.json(Map.of("block", block));
        }
        return ExitCode.DONE;
    }
}
