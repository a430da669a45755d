package sn9.train;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.checkpoint.HfConfig;
import sn9.checkpoint.ModelDirectory;
import sn9.checkpoint.Safetensors;
import sn9.data.Batch;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.engine.Replay;
import sn9.engine.StepBlock;
import sn9.model.Gpt2;
import sn9.model.Gpt2Config;
import sn9.model.Gradients;
import sn9.model.ParameterLayout;
import sn9.model.Parameters;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * Trains one model: micro-batches in, optimiser steps out. Parameters, gradients and the two moments are flat f32 arenas
 * of one layout. Belongs to the engine's thread.
 */
public final class Trainer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

    private final Engine engine;
    private final Gpt2Config config;
    private final TrainConfig train;
    private final ParameterLayout layout;
    private final Buffer params; // (P)
    private final Buffer grads; // (P)
    private final Buffer m; // (P)
    private final Buffer v; // (P)
    private final Buffer copy; // (P) of the activation type; null where that is f32
    private final Parameters parameters;
    private final Gradients gradients;
    private final StepBlock block;
    private final Gpt2 model;
    private final Replay optimizer;
    private final List<AutoCloseable> owned = new ArrayList<>();
    private Map<String, String> position = Map.of();
    private String products = ""; // what multiplied so far: at first the checkpoint's; empty before any step
    private boolean trained; // by this engine
    private long step;
    private long microStep;
    private int accumulated;
    private double lossSum; // nats, over the predictions of the step in progress
    private long predictions;
    private double microLoss = Double.NaN;
    private long stepStarted = System.nanoTime();

    /** Fills the arena of parameters; the gaps of the layout are already zero. */
    private interface Start {
        void fill(Buffer params, ParameterLayout layout) throws IOException;
    }

    private Trainer(Engine engine, Gpt2Config config, TrainConfig train, int B, int T, Start start) throws IOException {
        this.engine = engine;
        this.config = config;
        this.train = train;
        this.layout = new ParameterLayout(config, engine.padding(), train.decayAll());
        boolean whole = false;
        try {
            params = arena("parameters");
            start.fill(params, layout);
            grads = arena("gradients");
            m = arena("first moment");
            v = arena("second moment");
            boolean copied = engine.activationType() != ElementType.F32;
            copy = copied
                    ? own(engine.allocate(
                            "parameters, to compute with",
                            layout.size() * engine.activationType().bytes()))
                    : null;
            parameters = Parameters.overArena(engine, config, layout, params, copy);
            gradients = new Gradients(config, layout, grads);
            block = new StepBlock(engine);
            owned.add(block);
            model = new Gpt2(engine, config, B, T, true, train.dropout());
            owned.add(model);
            optimizer = new Replay(engine, "optimizer", () -> {
                engine.ops().gradNorm(block, grads, layout.size());
                engine.ops().adamw(params, m, v, copy, grads, block, layout.decayed(), layout.size());
            });
            owned.add(optimizer);
            whole = true;
        } finally {
            if (!whole) {
                closeOwned();
            }
        }
    }

    /** A new model with GPT-2's initialisation by the settings' seed. */
    public static Trainer fresh(Engine engine, Gpt2Config config, TrainConfig train, int B, int T) {
        try {
            return new Trainer(engine, config, train, B, T, (params, layout) -> {
                try (Arena host = Arena.ofShared()) {
                    MemorySegment values = host.allocate(params.bytes(), 64);
                    Initialisation.fill(values, config, layout, train.seed());
                    engine.upload(params, values);
                }
            });
        } catch (IOException e) {
            throw new IllegalStateException("a fresh model reads no file", e);
        }
    }

    /**
     * All the memory of a run that starts with {@link #fresh}, and no parameters in it: to be asked what it allocated on an
     * engine that only plans.
     */
    public static Trainer planned(Engine engine, Gpt2Config config, TrainConfig train, int B, int T) {
        try {
            return new Trainer(engine, config, train, B, T, (_, _) -> {});
        } catch (IOException e) {
            throw new IllegalStateException("a plan reads no file", e);
        }
    }

    /** A model that goes on from a directory's parameters, with fresh moments. */
    public static Trainer from(Engine engine, ModelDirectory source, TrainConfig train, int B, int T)
            throws IOException {
        return new Trainer(engine, source.config(), train, B, T, (params, layout) -> {
            for (ParameterLayout.Slot slot : layout.slots()) {
                TensorView tensor = source.tensor(slot.name());
                long bad = engine.ops().firstNotFinite(tensor.data(), tensor.type(), tensor.elements());
                if (bad >= 0) {
                    throw new MalformedDataException(
                            slot.name(), -1, "element " + bad + " is not finite; training cannot start from it");
                }
                Parameters.load(engine, slot, tensor, Parameters.view(layout, params, slot.name()));
            }
        });
    }

    /**
     * A training run as {@link #saveCheckpoint} left it: the same batches give the same losses, bit for bit, where the same
     * kernels or library multiply; where others do, the first step says so.
     *
     * @throws MalformedDataException when the file is no whole checkpoint
     */
    public static Trainer resume(Engine engine, Path file, int B, int T) throws IOException {
        try (Safetensors saved = Safetensors.open(file)) {
            Checkpoint state = Checkpoint.read(file.toString(), saved);
            var trainer = new Trainer(
                    engine,
                    state.model(),
                    state.train(),
                    B,
                    T,
                    (params, layout) -> load(engine, saved, file, Checkpoint.PARAMETERS, params));
            boolean whole = false;
            try {
                load(engine, saved, file, Checkpoint.MOMENT1, trainer.m);
                load(engine, saved, file, Checkpoint.MOMENT2, trainer.v);
                if (state.accumulated() > 0) {
                    load(engine, saved, file, Checkpoint.GRADIENTS, trainer.grads);
                }
                trainer.step = state.step();
                trainer.microStep = state.microStep();
                trainer.accumulated = state.accumulated();
                trainer.lossSum = state.lossSum();
                trainer.predictions = state.predictions();
                trainer.products = state.products();
                trainer.position = Map.copyOf(state.position());
                whole = true;
                return trainer;
            } finally {
                if (!whole) {
                    trainer.close();
                }
            }
        }
    }

    private static void load(Engine engine, Safetensors saved, Path file, String name, Buffer to) throws IOException {
        TensorView tensor = saved.tensor(name);
        if (tensor.type() != ElementType.F32 || tensor.elements() != to.floats()) {
            throw new MalformedDataException(
                    file.toString(), -1, tensor + " does not fit, expected F32[" + to.floats() + "]");
        }
        engine.ops().load(to, tensor.data(), ElementType.F32, to.floats());
    }

    /** The model's shape. */
    public Gpt2Config config() {
        return config;
    }

    /** The settings it is trained with. */
    public TrainConfig settings() {
        return train;
    }

    /** Optimiser steps done. */
    public long step() {
        return step;
    }

    /** What the checkpoint this run was resumed from said of the data; empty otherwise. */
    public Map<String, String> position() {
        return position;
    }

    /** Mean nats per prediction of the latest micro-batch; NaN before the first. */
    public double microLoss() {
        return microLoss;
    }

    /**
     * Learns from one micro-batch.
     *
     * @param batch of this trainer's B and T
     * @return a report when this micro-batch completed an optimiser step
     */
    public Optional<StepReport> train(Batch batch) {
        int count = batch.predictions();
        if (count == 0) {
            throw new IllegalArgumentException("the batch predicts nothing: all its targets are ignored");
        }
        if (accumulated == 0) {
            engine.ops().fill(grads, 0, layout.size());
            stepStarted = System.nanoTime();
        }
        block.pass(1.0 / ((double) count * train.accumulationSteps()), train.seed(), microStep);
        model.enqueueGradients(parameters, gradients, block, batch.tokens(), batch.targets());
        microStep++;
        accumulated++;
        boolean complete = accumulated == train.accumulationSteps();
        if (complete) {
            enqueueUpdate();
        }
        double sum = batch.lossSum(model.awaitMeans());
        noteProducts();
        microLoss = sum / count;
        lossSum += sum;
        predictions += count;
        return complete ? Optional.of(report(batch)) : Optional.empty();
    }

    private void noteProducts() {
        if (trained) {
            return;
        }
        trained = true;
        String present = engine.products();
        if (!products.isEmpty() && !products.equals(present)) {
            LOG.warn(
                    "products=\"{}\" in the checkpoint, \"{}\" from here on: losses differ in their last bits",
                    products,
                    present);
        }
        products = present;
    }

    private void enqueueUpdate() {
        step++;
        block.optimizer(
                train.learningRate(step),
                train.beta1(),
                train.beta2(),
                train.epsilon(),
                train.weightDecay(),
                train.gradClip(),
                step);
        optimizer.run();
    }

    private StepReport report(Batch batch) {
        double norm = block.gradNorm();
        var report = new StepReport(
                step,
                lossSum / predictions,
                norm,
                train.learningRate(step),
                (long) batch.B() * batch.T() * accumulated,
                (System.nanoTime() - stepStarted) / 1e9);
        dropAccumulated();
        return report;
    }

    /** Forgets the micro-batches of a step that was not completed. */
    public void dropAccumulated() {
        accumulated = 0;
        lossSum = 0;
        predictions = 0;
    }

    /** Mean over batches of their mean loss, with the present parameters and without dropout. */
    public double evaluate(List<Batch> batches) {
        if (batches.isEmpty()) {
            throw new IllegalArgumentException("no batches to evaluate on");
        }
        double total = 0;
        for (Batch batch : batches) {
            total += batch.lossSum(model.losses(parameters, batch.tokens(), batch.targets())) / batch.predictions();
        }
        return total / batches.size();
    }

    /** Writes the model as a Hugging Face directory, whole or not at all. */
    public void saveModel(Path directory, ElementType type) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = engine.read(params, arena);
            Collection<TensorView> tensors = new ArrayList<>();
            for (ParameterLayout.Slot slot : layout.slots()) {
                tensors.add(fileTensor(slot, values, arena));
            }
            ModelDirectory.write(directory, HfConfig.of(config, type), type, tensors);
        }
    }

    /**
     * Writes everything {@link #resume} needs, whole or not at all.
     *
     * @param dataPosition where in the data this run stands, for the caller's own use
     */
    public void saveCheckpoint(Path file, Map<String, String> dataPosition) throws IOException {
        var state = new Checkpoint(
                config, train, step, microStep, accumulated, lossSum, predictions, products, Map.copyOf(dataPosition));
        try (Arena arena = Arena.ofConfined()) {
            var arenas = new LinkedHashMap<String, MemorySegment>();
            arenas.put(Checkpoint.PARAMETERS, engine.read(params, arena));
            arenas.put(Checkpoint.MOMENT1, engine.read(m, arena));
            arenas.put(Checkpoint.MOMENT2, engine.read(v, arena));
            if (accumulated > 0) {
                arenas.put(Checkpoint.GRADIENTS, engine.read(grads, arena));
            }
            state.write(file, arenas);
        }
    }

    /** A tensor as files hold it, without padding. */
    private static TensorView fileTensor(ParameterLayout.Slot slot, MemorySegment values, Arena arena) {
        MemorySegment memory = values.asSlice(slot.offset() * Float.BYTES, slot.elements() * Float.BYTES);
        if (slot.plain()) {
            return new TensorView(slot.name(), ElementType.F32, slot.shape(), memory);
        }
        MemorySegment file = arena.allocate(TensorView.elements(slot.shape()) * Float.BYTES, 64);
        slot.gather(memory, file);
        return new TensorView(slot.name(), ElementType.F32, slot.shape(), file);
    }

    private Buffer own(Buffer buffer) {
        owned.add(buffer);
        return buffer;
    }

    private Buffer arena(String label) {
        Buffer buffer = own(engine.allocate(label, layout.size() * Float.BYTES));
        engine.ops().fill(buffer, 0, layout.size());
        return buffer;
    }

    private void closeOwned() {
        for (AutoCloseable one : owned.reversed()) {
            switch (one) {
                case Buffer buffer -> buffer.close();
                case StepBlock steps -> steps.close();
                case Gpt2 gpt2 -> gpt2.close();
                case Replay replay -> replay.close();
                default -> throw new IllegalStateException("not a part of a trainer: " + one);
            }
        }
        owned.clear();
    }

    @Override
    public void close() {
        closeOwned();
    }
}
