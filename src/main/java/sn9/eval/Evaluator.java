package sn9.eval;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import sn9.MalformedDataException;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.model.Gpt2;
import sn9.model.Gpt2Config;
import sn9.model.Parameters;
import sn9.tensor.TensorView;

/**
 * The losses of models over batches: forward only, no dropout, fp32. Activations stay allocated from one model to the
 * next of the same shape. Belongs to the engine's thread.
 */
public final class Evaluator implements AutoCloseable {
    private final Engine engine;
    private Gpt2 model; // for `shape`, B and T; null before the first
    private Gpt2Config shape;

    /** Evaluates on an engine, which stays the caller's. */
    public Evaluator(Engine engine) {
        this.engine = engine;
    }

    /**
     * The mean loss of each batch, in nats per prediction.
     *
     * @param batches all of one B and T
     * @param limit checked between batches
     * @return one loss per batch, in order; not finite where the model's arithmetic is not
     * @throws MalformedDataException when a parameter is not finite
     * @throws EvaluationTimeoutException when the limit is over
     * @throws IllegalArgumentException when the model has too few positions or words for the batches
     */
    public double[] losses(ModelDirectory source, List<Batch> batches, Duration limit)
            throws IOException, EvaluationTimeoutException {
        double[][] means = sequenceLosses(source, batches, limit);
        var losses = new double[batches.size()];
        for (int i = 0; i < losses.length; i++) {
            losses[i] = batches.get(i).lossSum(means[i]) / batches.get(i).predictions();
        }
        return losses;
    }

    /** As {@link #losses}, but the mean loss of each sequence: one array of B for every batch. */
    public double[][] sequenceLosses(ModelDirectory source, List<Batch> batches, Duration limit)
            throws IOException, EvaluationTimeoutException {
        long deadline = System.nanoTime() + limit.toNanos();
        var losses = new double[batches.size()][];
        if (batches.isEmpty()) {
            return losses;
        }
        expectFinite(source);
        prepare(source.config(), batches.getFirst().B(), batches.getFirst().T());
        try (Parameters parameters = Parameters.forEvaluation(engine, source.config(), source::tensor)) {
            for (int i = 0; i < losses.length; i++) {
                if (System.nanoTime() - deadline > 0) {
                    throw new EvaluationTimeoutException(limit, i, losses.length);
                }
                Batch batch = batches.get(i);
                losses[i] = model.losses(parameters, batch.tokens(), batch.targets());
            }
        }
        return losses;
    }

    private void expectFinite(ModelDirectory source) throws MalformedDataException {
        for (TensorView tensor : source.tensors()) {
            long bad = engine.ops().firstNotFinite(tensor.data(), tensor.type(), tensor.elements());
            if (bad >= 0) {
                throw new MalformedDataException(tensor.name(), -1, "element " + bad + " is not finite");
            }
        }
    }

    private void prepare(Gpt2Config config, int B, int T) {
        if (model != null && config.equals(shape) && model.batchSize() == B && model.sequenceLength() == T) {
            return;
        }
        close();
        model = new Gpt2(engine, config, B, T, false, 0);
        shape = config;
    }

    /** Frees the activations. */
    @Override
    public void close() {
        if (model != null) {
            model.close();
            model = null;
        }
    }
}
