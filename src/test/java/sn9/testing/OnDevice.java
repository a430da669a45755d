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

    /** Uploads parameters; gradients start at {@code dirt} everywhere. */
    public OnDevice(Engine engine, Gpt2Config config, Map<String, double[]> values, float dirt) {
        this.engine = engine;
        this.config = config;
        this.layout = new ParameterLayout(config, false);
        this.params = engine.allocate("parameters", layout.size() * Float.BYTES);
        this.grads = engine.allocate("gradients", layout.size() * Float.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(params.bytes(), 64);
            for (ParameterLayout.Slot slot : layout.slots()) {
                double[] from = values.get(slot.name());
                for (int i = 0; i < from.length; i++) {
                    host.setAtIndex(ValueLayout.JAVA_FLOAT, slot.offset() + i, (float) from[i]);
                }
            }
            engine.upload(params, host);
        }
        engine.ops().fill(grads, dirt, layout.size());
        parameters = Parameters.overArena(engine, config, layout, params);
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
                result.put(
                        slot.name(),
                        host.asSlice(slot.offset() * Float.BYTES, slot.elements() * Float.BYTES)
                                .toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        return result;
    }

    @Override
    public void close() {
        step.close();
        params.close();
        grads.close();
    }
}
