package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import sn9.checkpoint.ModelDirectory;
import sn9.engine.Engine;
import sn9.eval.Generator;
import sn9.eval.Generator.Sampling;
import sn9.tokenizer.Gpt2Tokenizer;

/** {@code generate}: text from a model, a person's check that it learned. */
@Command(name = "generate", description = "Sample text from a model: a person's check that it learned.")
final class GenerateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model_dir",
            paramLabel = "DIR",
            required = true,
            description = "The model, a directory in Hugging Face layout.")
    private Path modelDir;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "What the text starts with. Default: the end-of-text token alone")
    private String prompt;

    @Option(
            names = "--max_new_tokens",
            paramLabel = "N",
            defaultValue = "100",
            description = "How many tokens to add at most. Default: ${DEFAULT-VALUE}")
    private int maxNewTokens;

    @Option(
            names = "--temperature",
            paramLabel = "X",
            defaultValue = "0.8",
            description = "0 takes the likeliest token; higher is more varied. Default: ${DEFAULT-VALUE}")
    private double temperature;

    @Option(
            names = "--top_k",
            paramLabel = "K",
            defaultValue = "40",
            description = "Choose among the K likeliest tokens; 0 for all. Default: ${DEFAULT-VALUE}")
    private int topK;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0", description = "Default: ${DEFAULT-VALUE}")
    private long seed;

    @Mixin
    private DeviceOptions device;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        if (maxNewTokens < 1 || !(temperature >= 0) || topK < 0) {
            throw new ParameterException(
                    spec.commandLine(),
                    "expected --max_new_tokens 1 or more, --temperature 0 or more, --top_k 0 or more");
        }
        var tokenizer = new Gpt2Tokenizer();
        int[] start = tokenizer.encode(prompt);
        if (start.length == 0) {
            start = new int[] {Gpt2Tokenizer.EOS};
        }
        try (ModelDirectory model = ModelDirectory.open(modelDir);
                Engine engine = device.open()) {
            if (model.config().vocabSize() < Gpt2Tokenizer.VOCABULARY) {
                throw new ParameterException(
                        spec.commandLine(),
                        modelDir + " has a vocabulary of " + model.config().vocabSize() + ", GPT-2's tokens are "
                                + Gpt2Tokenizer.VOCABULARY + ": no text can be made of it");
            }
            int[] tokens = Generator.generate(
                    engine,
                    model,
                    start,
                    maxNewTokens,
                    new Sampling(temperature, topK, Gpt2Tokenizer.VOCABULARY, Gpt2Tokenizer.EOS),
                    new SplittableRandom(seed));
            String text = tokenizer.decode(Arrays.copyOfRange(tokens, start.length, tokens.length));
            Output output = Output.of(spec, json);
            output.text(prompt + text);
            var answer = new LinkedHashMap<String, Object>();
            answer.put("prompt", prompt);
            answer.put("text", text);
            answer.put("tokens", tokens);
            output.json(answer);
        }
        return ExitCode.DONE;
    }
}
