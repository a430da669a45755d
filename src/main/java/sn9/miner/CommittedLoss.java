package sn9.miner;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.eval.EvaluationTimeoutException;
import sn9.eval.Evaluator;

/**
 * How good the model is that this hotkey stands for on chain, on the miner's own held-out pages.
 *
 * @param network where the model is
 * @param hotkey SS58 address whose commitment counts
 * @param folder where downloads are kept
 * @param engine computes; belongs to the calling thread
 */
public record CommittedLoss(NetworkModels network, String hotkey, Path folder, Engine engine) {
    /** A model that takes longer than this is not one a validator would evaluate. */
    public static final Duration LIMIT = Duration.ofMinutes(30);

    private static final Logger LOG = LoggerFactory.getLogger(CommittedLoss.class);

    /**
     * Downloads and measures it.
     *
     * @return mean nats over the batches; empty when nothing is committed, or nothing a validator could use
     * @throws RemoteCallException when a remote did not answer and may later
     */
    public OptionalDouble measure(List<Batch> heldOut) throws IOException, InterruptedException {
        var commitment = network.metadata().commitment(hotkey);
        if (commitment.isEmpty()) {
            return OptionalDouble.empty();
        }
        try (var model = ModelDirectory.open(network.fetch(hotkey, commitment.get(), folder));
                var evaluator = new Evaluator(engine)) {
            double loss = mean(evaluator.losses(model, heldOut, LIMIT));
            LOG.info(
                    "committed commitment={} held_out_loss={}", commitment.get().text(), loss);
            return Double.isFinite(loss) ? OptionalDouble.of(loss) : OptionalDouble.empty();
        } catch (MalformedDataException | EvaluationTimeoutException e) {
            LOG.warn("the committed model is unusable and may be replaced: {}", e.getMessage());
        } catch (RemoteCallException e) {
            if (e.retryable()) {
                throw e;
            }
            LOG.warn("the committed model is gone and may be replaced: {}", e.getMessage());
        }
        return OptionalDouble.empty();
    }

    /** Mean of the losses of batches of equal size. */
    public static double mean(double[] losses) {
        return Arrays.stream(losses).average().orElse(Double.NaN);
    }
}
