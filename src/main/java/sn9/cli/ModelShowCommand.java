package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import sn9.checkpoint.ModelDirectory;
import sn9.model.ParameterShapes;

/** {@code model show}: what a model directory holds. */
@Command(name = "show", description = "Show the shape, sizes and hash of a model directory.")
final class ModelShowCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private RuleOptions rules;

    @Mixin
    private JsonOption json;

    @Mixin
    private LoggingOptions logging;

    @Parameters(paramLabel = "DIR", description = "The model, in Hugging Face layout.")
    private Path directory;

    @Option(names = "--tensors", fallbackValue = "true", description = "Also list every tensor with type and shape.")
    private boolean tensors;

    @Override
    public Integer call() throws IOException {
        var answer = new LinkedHashMap<String, Object>();
        var list = new Table("Tensors", "name", "type", "shape");
        try (var model = ModelDirectory.open(directory)) {
            var config = model.config();
            answer.put("architecture", model.hfConfig().architecture());
            answer.put("n_layer", config.nLayer());
            answer.put("n_head", config.nHead());
            answer.put("n_embd", config.nEmbd());
            answer.put("n_positions", config.nPositions());
            answer.put("vocab_size", config.vocabSize());
            answer.put("parameters", model.parameterCount());
            answer.put("bytes", LocalModel.bytes(directory));
            answer.put("hash", LocalModel.hash(directory, rules.rules()));
            for (String name : ParameterShapes.of(config).keySet()) {
                var tensor = model.tensor(name);
                list.row(name, tensor.type(), Arrays.toString(tensor.shape()));
            }
        }
        var output = Output.of(spec, json);
        answer.forEach((name, value) -> output.text(name + " " + value));
        if (tensors) {
            output.table(list);
        }
        output.json(answer);
        return ExitCode.DONE;
    }
}
