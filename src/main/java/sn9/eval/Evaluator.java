package sn9.eval;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.BufferArena;
import sn9.engine.Engine;
import sn9.engine.EngineException;
import sn9.engine.Event;
import sn9.model.Gpt2;
import sn9.model.Gpt2Config;
import sn9.model.Parameters;

/**
 * The losses of models over batches: forward only, no dropout. Tokens, activations and captured programs stay on the device
 * from one model to the next of the same shape. Where the device works by itself there are two slots for weights: the model
 * announced by {@link #announce} is loaded into one while the other's is evaluated. Belongs to the engine's thread.
 */
public final class Evaluator implements AutoCloseable {
    /** Batches asked for before the host waits for the oldest: enough to keep the device busy, few enough for the limit. */
    private static final int AHEAD = 4;

    private static final Logger LOG = LoggerFactory.getLogger(Evaluator.class);

    private final Engine engine;
    private final List<WeightSlot> slots = new ArrayList<>();
    private final BufferArena activations;
    private final BufferArena batchMemory;
    private final Event[] done = new Event[AHEAD];
    private Gpt2 model; // for `shape`; null before the first
    private Gpt2Config shape;
    private DeviceBatches batches; // null before the first
    private ModelDirectory announced; // to be loaded while the present model is evaluated; null for none

    /** Evaluates on an engine, which stays the caller's. */
    public Evaluator(Engine engine) {
        this.engine = engine;
        this.activations = new BufferArena(engine, "activations");
        this.batchMemory = new BufferArena(engine, "tokens and losses");
        for (int i = 0; i < (engine.captures() ? 2 : 1); i++) {
            slots.add(new WeightSlot(engine));
        }
        for (int i = 0; i < AHEAD; i++) {
            done[i] = engine.event("batch evaluated");
        }
    }

    /** Says which model will be asked for next, so that it can be loaded meanwhile; it must stay open until then. */
    public void announce(ModelDirectory next) {
        announced = next;
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
    public double[][] sequenceLosses(ModelDirectory source, List<Batch> wanted, Duration limit)
            throws IOException, EvaluationTimeoutException {
        long deadline = System.nanoTime() + limit.toNanos();
        if (wanted.isEmpty()) {
            return new double[0][];
        }
        ModelDirectory next = announced;
        announced = null;
        prepare(source.config(), wanted);
        WeightSlot slot = slotOf(source);
        slot.finish();
        WeightSlot spare = spare(slot, next);
        Parameters parameters = slot.acquire();
        try {
            for (int i = 0; i < wanted.size(); i++) {
                if (i >= AHEAD) {
                    // The device has enough to do: time for the next model's tensors.
                    load(spare, wanted.size() - AHEAD);
                    done[i % AHEAD].synchronize();
                }
                if (System.nanoTime() - deadline > 0) {
                    throw new EvaluationTimeoutException(limit, Math.max(0, i - AHEAD + 1), wanted.size());
                }
                model.enqueueLosses(parameters, batches.tokens(i), batches.targets(i), batches.means(i));
                done[i % AHEAD].record();
            }
        } finally {
            slot.release();
        }
        load(spare, 1);
        return batches.download();
    }

    /** The slot that the announced model is to be loaded into meanwhile; null when there is none, or no memory for it. */
    private WeightSlot spare(WeightSlot slot, ModelDirectory next) {
        if (next == null || slots.size() < 2) {
            return null;
        }
        WeightSlot spare = slots.get(1 - slots.indexOf(slot));
        try {
            spare.begin(next, model::forget);
            return spare;
        } catch (EngineException e) {
            LOG.info(
                    "two models do not fit the device at once, they are loaded one after the other: {}",
                    e.getMessage());
            slots.remove(spare);
            spare.close();
            return null;
        }
    }

    /** Loads the part of the announced model that is due between two of so many batches. */
    private static void load(WeightSlot spare, int batches) {
        for (int t = 0; spare != null && t < spare.share(batches); t++) {
            spare.loadOne();
        }
    }

    private WeightSlot slotOf(ModelDirectory source) throws IOException {
        for (WeightSlot slot : slots) {
            if (slot.holds(source)) {
                return slot;
            }
        }
        WeightSlot slot = slots.getFirst();
        slot.begin(source, model::forget);
        return slot;
    }

    private void prepare(Gpt2Config config, List<Batch> wanted) {
        int B = wanted.getFirst().B();
        int T = wanted.getFirst().T();
        if (batches == null || !batches.are(wanted)) {
            dropBatches();
            batchMemory.reset();
            batches = new DeviceBatches(engine, batchMemory, wanted);
        }
        batches.expectInside(config.vocabSize());
        if (model == null || !config.equals(shape) || model.batchSize() != B || model.sequenceLength() != T) {
            dropModel();
            activations.reset();
            model = Gpt2.forEvaluation(engine, activations, config, B, T);
            shape = config;
        }
    }

    private void dropBatches() {
        if (batches != null) {
            batches.close();
            batches = null;
        }
    }

    private void dropModel() {
        if (model != null) {
            model.close();
            model = null;
        }
    }

    /** Frees everything on the device. */
    @Override
    public void close() {
        dropModel();
        activations.close();
        dropBatches();
        batchMemory.close();
        slots.forEach(WeightSlot::close);
        for (Event event : done) {
            event.close();
        }
    }
}
