package sn9.validator;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.eval.EvaluationTimeoutException;

/** The losses of a model: {@code sn9.eval.Evaluator::losses} on a device, plain arithmetic in tests. */
@FunctionalInterface
public interface ModelLosses {
    /**
     * Evaluates one model.
     *
     * @return mean nats per batch, in order; not finite where the model computes no number
     * @throws EvaluationTimeoutException when the model takes longer than the limit: its own fault
     * @throws sn9.MalformedDataException when the model's files are not what their format demands
     * @throws sn9.engine.EngineException when the device fails: our fault
     */
    double[] losses(ModelDirectory model, List<Batch> batches, Duration limit)
            throws IOException, EvaluationTimeoutException, InterruptedException;
}
