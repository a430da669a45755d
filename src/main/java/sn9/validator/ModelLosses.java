package sn9.validator;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.eval.EvaluationTimeoutException;
import sn9.eval.Evaluator;

/** The losses of a model: {@link #on} a device, plain arithmetic in tests. */
@FunctionalInterface
public interface ModelLosses {
    /** As an evaluator computes them, which loads the announced model meanwhile. */
    static ModelLosses on(Evaluator evaluator) {
        return new ModelLosses() {
            @Override
            public double[] losses(ModelDirectory model, List<Batch> batches, Duration limit)
                    throws IOException, EvaluationTimeoutException {
                return evaluator.losses(model, batches, limit);
            }

            @Override
            public void announce(ModelDirectory next) {
                evaluator.announce(next);
            }
        };
    }

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

    /** Says which model will be asked for next; it stays open until then, or until the step ends. */
    default void announce(ModelDirectory next) {}
}
