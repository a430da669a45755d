package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.data.Packer;
import sn9.data.PageSource.Split;
import sn9.data.Pages;
import sn9.engine.Engine;
import sn9.eval.EvaluationTimeoutException;
import sn9.eval.Evaluator;
import sn9.eval.TokensFile;
import sn9.tokenizer.Gpt2Tokenizer;

/** {@code eval}: the losses of a model directory over a tokens file or over pages of a corpus. */
@Command(name = "eval", description = "Losses of a model directory over a tokens file, or over pages of a corpus.")
final class EvalCommand implements Callable<Integer> {
    private static final int DEFAULT_LENGTH = 1024;
    private static final Duration NO_LIMIT = Duration.ofDays(365);

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model_dir",
            paramLabel = "DIR",
            required = true,
            description = "The model, a directory in Hugging Face layout.")
    private Path modelDir;

    @Option(
            names = "--tokens",
            paramLabel = "FILE",
            description = "A safetensors file with an integer tensor tokens or input_ids of shape (N, T), and perhaps"
                    + " targets. Its T is the sequence length.")
    private Path tokens;

    @Option(
            names = "--pages",
            paramLabel = "N",
            defaultValue = "1",
            description = "Without --tokens: how many evaluation pages of the corpus. Default: ${DEFAULT-VALUE}")
    private int pages;

    @Option(
            names = "--seed",
            paramLabel = "SEED",
            defaultValue = "0",
            description = "Decides which pages. Default: ${DEFAULT-VALUE}")
    private long seed;

    @Option(
            names = {"--batch_size", "--bs"},
            paramLabel = "B",
            defaultValue = "1",
            description = "Sequences per batch; changes no loss. Default: ${DEFAULT-VALUE}")
    private int batchSize;

    @Option(
            names = {"--sequence_length", "--sl"},
            paramLabel = "T",
            description = "Tokens per sequence. Default: the tokens file's, else " + DEFAULT_LENGTH)
    private Integer sequenceLength;

    @Mixin
    private CorpusOptions corpus;

    @Mixin
    private DeviceOptions device;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException, EvaluationTimeoutException {
        if (batchSize < 1 || pages < 1) {
            throw new ParameterException(spec.commandLine(), "--batch_size and --pages are expected to be 1 or more");
        }
        List<Batch> batches = tokens != null ? TokensFile.read(tokens, batchSize) : pageBatches();
        int T = batches.getFirst().T();
        if (sequenceLength != null && sequenceLength != T) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--sequence_length is " + sequenceLength + ", but " + tokens + " has sequences of " + T
                            + " tokens");
        }
        try (ModelDirectory model = ModelDirectory.open(modelDir);
                Engine engine = device.open();
                var evaluator = new Evaluator(engine)) {
            expectFits(model, batches);
            long start = System.nanoTime();
            double[] losses = losses(evaluator, model, batches);
            report(engine, batches, losses, (System.nanoTime() - start) / 1e9);
        }
        return ExitCode.DONE;
    }

    private List<Batch> pageBatches() throws IOException, InterruptedException {
        int T = sequenceLength == null ? DEFAULT_LENGTH : sequenceLength;
        try (var source = corpus.open(spec)) {
            int numbers = Math.max(pages, (int) Math.min(source.pages(Split.EVAL), 2L * pages));
            long[] drawn = source.draw(Split.EVAL, numbers, new SplittableRandom(seed));
            List<Batch> batches =
                    new Packer(new Gpt2Tokenizer(), batchSize, T).pack(Pages.readable(source, drawn, pages));
            if (batches.isEmpty()) {
                throw new IOException("the pages hold fewer tokens than one batch of " + batchSize + " x " + T
                        + "; take more --pages or a smaller --batch_size");
            }
            return batches;
        }
    }

    /** A model that cannot take the batches is refused in words, before anything is computed. */
    private void expectFits(ModelDirectory model, List<Batch> batches) {
        int T = batches.getFirst().T();
        if (T > model.config().nPositions()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "sequences of " + T + " tokens do not fit " + modelDir + ": its n_positions is "
                            + model.config().nPositions());
        }
        for (Batch batch : batches) {
            for (int i = 0; i < batch.tokens().length; i++) {
                int largest = Math.max(batch.tokens()[i], batch.targets()[i]);
                if (largest >= model.config().vocabSize()) {
                    throw new ParameterException(
                            spec.commandLine(),
                            "token " + largest + " is outside of the vocabulary of " + modelDir + ": its vocab_size is "
                                    + model.config().vocabSize());
                }
            }
        }
    }

    /** Per sequence, in input order; the last batch may be smaller than the others. */
    private static double[] losses(Evaluator evaluator, ModelDirectory model, List<Batch> batches)
            throws IOException, EvaluationTimeoutException {
        boolean ragged = batches.getLast().B() != batches.getFirst().B();
        List<Batch> whole = ragged ? batches.subList(0, batches.size() - 1) : batches;
        List<double[]> all = new ArrayList<>(List.of(evaluator.sequenceLosses(model, whole, NO_LIMIT)));
        if (ragged) {
            all.add(evaluator.sequenceLosses(model, List.of(batches.getLast()), NO_LIMIT)[0]);
        }
        return all.stream().flatMapToDouble(java.util.Arrays::stream).toArray();
    }

    private void report(Engine engine, List<Batch> batches, double[] losses, double seconds) {
        double sum = 0;
        long predictions = 0;
        long count = 0;
        int sequence = 0;
        for (Batch batch : batches) {
            var means = new double[batch.B()];
            System.arraycopy(losses, sequence, means, 0, means.length);
            sum += batch.lossSum(means);
            predictions += batch.predictions();
            count += (long) batch.B() * batch.T();
            sequence += batch.B();
        }
        Output output = Output.of(spec, json);
        double mean = sum / predictions;
        output.text("%d sequences, %d predictions: mean loss %.6f nats, perplexity %.2f (%.0f tokens/s)"
                .formatted(losses.length, predictions, mean, Math.exp(mean), count / seconds));
        var answer = new LinkedHashMap<String, Object>();
        answer.put("losses", losses);
        answer.put("mean_loss", mean);
        answer.put("predictions", predictions);
        answer.put("tokens_per_second", count / seconds);
        answer.put("device", engine.name());
        answer.put("precision", device.precisionName());
        String fp32 = engine.properties().get("fp32");
        if (fp32 != null) {
            answer.put("fp32", fp32); // what fp32 is on this GPU: simt or bf16x3
        }
        answer.put("threads", Integer.parseInt(engine.properties().get("threads")));
        answer.put("peak_rss_mb", ProcessMemory.peakRssMib());
        output.json(answer);
    }
}
