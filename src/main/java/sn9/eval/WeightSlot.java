package sn9.eval;

import java.util.List;
import java.util.function.Consumer;
import sn9.MalformedDataException;
import sn9.checkpoint.ModelDirectory;
import sn9.engine.BufferArena;
import sn9.engine.Engine;
import sn9.engine.Engine.Stream;
import sn9.engine.Event;
import sn9.model.Gpt2Config;
import sn9.model.Parameters;
import sn9.tensor.TensorView;

/**
 * Places for one model's parameters on the device, and the model that is in them or on its way there. Tensors are loaded in
 * the loading stream, one call each; events keep them from overtaking what still reads the model before.
 */
final class WeightSlot implements AutoCloseable {
    private final Engine engine;
    private final BufferArena memory;
    private final Event loaded; // all tensors are here
    private final Event used; // the last evaluation from these places
    private Gpt2Config shape;
    private Parameters parameters; // for `shape`; null before the first model
    private ModelDirectory source; // null when the places hold no whole model nor will
    private List<String> names = List.of();
    private int next; // of names, to be loaded
    private MalformedDataException failure; // found while loading; null for none

    WeightSlot(Engine engine) {
        this.engine = engine;
        this.memory = new BufferArena(engine, "parameters");
        this.loaded = engine.event("parameters are loaded");
        this.used = engine.event("parameters are used");
    }

    /** Whether this model is here or on its way. */
    boolean holds(ModelDirectory model) {
        return source == model;
    }

    /**
     * Begins to load a model in place of the one before.
     *
     * @param forget told of parameters whose places go, since the model has another shape
     * @throws sn9.engine.EngineException when there is no memory for it; the slot is then empty
     */
    void begin(ModelDirectory model, Consumer<Parameters> forget) {
        source = null;
        if (!model.config().equals(shape)) {
            if (parameters != null) {
                forget.accept(parameters);
            }
            parameters = null;
            shape = null;
            memory.reset();
            parameters = Parameters.places(engine, model.config(), memory);
            shape = model.config();
        }
        source = model;
        names = parameters.names();
        next = 0;
        failure = null;
        engine.on(Stream.LOAD, used::await);
    }

    /** How many tensors to load between two batches so that all are here after {@code batches} of them. */
    int share(int batches) {
        return Math.ceilDiv(names.size(), Math.max(1, batches));
    }

    /** Checks and loads the next tensor; nothing when all are loaded or one was found wrong. */
    void loadOne() {
        if (next == names.size() || failure != null) {
            return;
        }
        String name = names.get(next++);
        TensorView tensor = source.tensor(name);
        long bad = engine.ops().firstNotFinite(tensor.data(), tensor.type(), tensor.elements());
        if (bad >= 0) {
            failure = new MalformedDataException(name, -1, "element " + bad + " is not finite");
            return;
        }
        engine.on(Stream.LOAD, () -> {
            parameters.load(name, tensor);
            if (next == names.size()) {
                loaded.record();
            }
        });
    }

    /**
     * Loads what is left.
     *
     * @throws MalformedDataException when a parameter is not finite
     */
    void finish() throws MalformedDataException {
        while (next < names.size() && failure == null) {
            loadOne();
        }
        if (failure != null) {
            source = null;
            throw failure;
        }
    }

    /** Makes the computing stream wait until all is loaded. */
    Parameters acquire() {
        loaded.await();
        return parameters;
    }

    /** Marks the end of what was asked of these parameters. */
    void release() {
        used.record();
    }

    @Override
    public void close() {
        memory.close();
        loaded.close();
        used.close();
    }
}
