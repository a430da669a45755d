package sn9.eval;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import sn9.checkpoint.ModelDirectory;
import sn9.engine.Engine;
import sn9.model.Gpt2;
import sn9.model.Gpt2Config;
import sn9.model.Parameters;

/** Samples tokens from a model, one forward pass a token over a window of at most the model's positions. */
public final class Generator {
    private static final int WINDOW_STEP = 64;

    private Generator() {}

    /**
     * How a token is chosen from its logits.
     *
     * @param temperature divides the logits; 0 takes the largest
     * @param topK chooses among the K largest, 0 for all
     * @param vocabulary tokens from this on are never chosen
     * @param end the token that ends the text
     */
    public record Sampling(double temperature, int topK, int vocabulary, int end) {}

    /**
     * The prompt and what follows: at most {@code maxNewTokens} tokens, fewer when the end token comes.
     *
     * @param prompt at least one token
     */
    public static int[] generate(
            Engine engine,
            ModelDirectory source,
            int[] prompt,
            int maxNewTokens,
            Sampling sampling,
            RandomGenerator random) {
        Gpt2Config config = source.config();
        int[] tokens = Arrays.copyOf(prompt, prompt.length + maxNewTokens);
        int length = prompt.length;
        Gpt2 model = null;
        try (Parameters parameters = Parameters.forEvaluation(engine, config, source::tensor)) {
            while (length < tokens.length) {
                int known = Math.min(length, config.nPositions());
                // Windows grow in steps, so that few shapes are made; what lies behind the last token changes nothing.
                int T = Math.min(config.nPositions(), (known + WINDOW_STEP - 1) / WINDOW_STEP * WINDOW_STEP);
                if (model == null || model.sequenceLength() != T) {
                    close(model);
                    model = new Gpt2(engine, config, 1, T, false, 0);
                }
                int[] window = Arrays.copyOf(Arrays.copyOfRange(tokens, length - known, length), T);
                float[] logits = model.logits(parameters, window, new int[] {known - 1})[0];
                int next = choose(logits, sampling, random);
                tokens[length++] = next;
                if (next == sampling.end()) {
                    break;
                }
            }
        } finally {
            close(model);
        }
        return Arrays.copyOf(tokens, length);
    }

    static int choose(float[] logits, Sampling sampling, RandomGenerator random) {
        int[] order = IntStream.range(0, Math.min(sampling.vocabulary(), logits.length))
                .boxed()
                .sorted((a, b) -> Float.compare(logits[b], logits[a]))
                .limit(sampling.temperature() == 0 ? 1 : sampling.topK() == 0 ? Long.MAX_VALUE : sampling.topK())
                .mapToInt(Integer::intValue)
                .toArray();
        if (order.length == 1) {
            return order[0];
        }
        var weights = new double[order.length];
        double total = 0;
        for (int i = 0; i < order.length; i++) {
            weights[i] = Math.exp((logits[order[i]] - logits[order[0]]) / sampling.temperature());
            total += weights[i];
        }
        double point = random.nextDouble() * total;
        for (int i = 0; i < order.length; i++) {
            point -= weights[i];
            if (point < 0) {
                return order[i];
            }
        }
        return order[0];
    }

    private static void close(Gpt2 model) {
        if (model != null) {
            model.close();
        }
    }
}
