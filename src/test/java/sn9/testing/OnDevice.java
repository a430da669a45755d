package sn9.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.engine.StepBlock;
import sn9.model.Gpt2;
import sn9.model.Gpt2Config;
import sn9.model.Gradients;
import sn9.model.ParameterLayout;
import sn9.model.Parameters;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** A model's parameters and gradients on an engine, filled from and read back as arrays by Hugging Face name. */
public final class OnDevice implements AutoCloseable {
    public final Gpt2Config config;
    public final Parameters parameters;
    public final Gradients gradients;
    public final StepBlock step;
    private final Engine engine;
    private final ParameterLayout layout;
    private final Buffer params;
    private final Buffer grads;
    private final Buffer copy; // null where activations are f32

    /** Uploads parameters; gradients start at {@code dirt} everywhere. */
    public OnDevice(Engine engine, Gpt2Config config, Map<String, double[]> values, float dirt) {
        this.engine = engine;
        this.config = config;
        this.layout = new ParameterLayout(config, engine.padding(), false);
        this.params = engine.allocate("parameters", layout.size() * Float.BYTES);
        this.grads = engine.allocate("gradients", layout.size() * Float.BYTES);
        ElementType type = engine.activationType();
        this.copy = type == ElementType.F32
                ? null
                : engine.allocate("parameters, to compute with", layout.size() * type.bytes());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(params.bytes(), 64);
            for (ParameterLayout.Slot slot : layout.slots()) {
                double[] from = values.get(slot.name());
                MemorySegment file = arena.allocate(ValueLayout.JAVA_FLOAT, from.length);
                for (int i = 0; i < from.length; i++) {
                    file.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) from[i]);
                }
                slot.scatter(
                        file,
                        ElementType.F32,
                        host.asSlice(slot.offset() * Float.BYTES, slot.elements() * Float.BYTES));
            }
            engine.upload(params, host);
        }
        engine.ops().fill(grads, dirt, layout.size());
        parameters = Parameters.overArena(engine, config, layout, params, copy);
        gradients = new Gradients(config, layout, grads);
        step = new StepBlock(engine);
    }

    /** One forward and backward pass of mean loss; returns the loss over all predictions. */
    public double backward(int[] tokens, int[] targets, int B, int T, double dropout, long microStep) {
        int predictions = 0;
        for (int target : targets) {
            predictions += target >= 0 ? 1 : 0;
        }
        step.pass(1.0 / predictions, 42, microStep);
        try (var model = new Gpt2(engine, config, B, T, true, dropout)) {
            double[] means = model.lossesAndGradients(parameters, gradients, step, tokens, targets);
            double sum = 0;
            for (int b = 0; b < B; b++) {
                int count = 0;
                for (int t = 0; t < T; t++) {
                    count += targets[b * T + t] >= 0 ? 1 : 0;
                }
                sum += means[b] * count;
            }
            return sum / predictions;
        }
    }

    /** The gradients by name. */
    public Map<String, float[]> readGradients() {
        var result = new LinkedHashMap<String, float[]>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = engine.read(grads, arena);
            for (ParameterLayout.Slot slot : layout.slots()) {
                MemorySegment file = arena.allocate(TensorView.elements(slot.shape()) * Float.BYTES, 8);
                slot.gather(host.asSlice(slot.offset() * Float.BYTES, slot.elements() * Float.BYTES), file);
                result.put(slot.name(), file.toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        return result;
    }

    /** Whether every gradient outside of the tensors' true sizes is exactly zero; gradients must have started at zero. */
    public boolean paddingIsZero() {
        try (Arena arena = Arena.ofConfined()) {
            return paddingIsZero(layout, engine.read(grads, arena));
        }
    }

    /** Whether f32 memory of a layout is exactly zero outside of the tensors' true sizes. */
    public static boolean paddingIsZero(ParameterLayout layout, MemorySegment values) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment expected = arena.allocate(values.byteSize(), 64);
            for (ParameterLayout.Slot slot : layout.slots()) {
                long offset = slot.offset() * Float.BYTES;
                long bytes = slot.elements() * Float.BYTES;
                MemorySegment file = arena.allocate(TensorView.elements(slot.shape()) * Float.BYTES, 8);
                slot.gather(values.asSlice(offset, bytes), file);
                slot.scatter(file, ElementType.F32, expected.asSlice(offset, bytes));
            }
            return expected.mismatch(values) == -1;
        }
    }

    @Override
    public void close() {
        step.close();
        params.close();
        grads.close();
        if (copy != null) {
            copy.close();
        }
    }
}
