package sn9.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.subnet.ModelId;

/** {@code localnet commit}: any string under a hotkey, to rehearse what validators do with a bad one. */
@Command(
        name = "commit",
        description = "Commit any text to a local network's chain, true or not, to rehearse how validators take it."
                + " 'upload' is for models.")
final class LocalnetCommitCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetOption localnet;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private WalletOptions wallet;

    @Option(
            names = "--text",
            paramLabel = "TEXT",
            required = true,
            description = "What to commit, 1 to 128 bytes; a model's is namespace:name:commit:hash.")
    private String text;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        if (bytes == 0 || bytes > ModelId.MAX_BYTES) {
            throw Usage.error(spec, "--text has " + bytes + " bytes, expected 1 to " + ModelId.MAX_BYTES);
        }
        try (var network = localnet.rehearse(spec, subtensor, wallet, new HubOptions())) {
            var commitment = network.metadata().commit(text);
            var answer = new LinkedHashMap<String, Object>();
            answer.put("hotkey", network.hotkey());
            answer.put("text", commitment.text());
            answer.put("block", commitment.block());
            var output = Output.of(spec, json);
            output.text("committed at block " + commitment.block() + " by hotkey " + network.hotkey());
            output.json(answer);
        }
        return ExitCode.DONE;
    }
}
