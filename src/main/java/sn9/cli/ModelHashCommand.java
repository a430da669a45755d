package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code model hash}: the hash that a commitment of this model holds. */
@Command(name = "hash", description = "Print the hash of a model directory that goes on chain.")
final class ModelHashCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private HashOptions hashes;

    @Mixin
    private JsonOption json;

    @Mixin
    private LoggingOptions logging;

    @Parameters(paramLabel = "DIR", description = "The model, in Hugging Face layout.")
    private Path directory;

    @Override
    public Integer call() throws IOException {
        String hash = hashes.committed(spec, LocalModel.hash(directory, hashes.rules()));
        var output = Output.of(spec, json);
        output.text(hash);
        output.json(Map.of("hash", hash));
        return ExitCode.DONE;
    }
}
