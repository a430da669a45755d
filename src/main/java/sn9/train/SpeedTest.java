package sn9.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Padding;
import sn9.model.Gpt2;
import sn9.model.Gpt2Config;
import sn9.model.ParameterLayout;
import sn9.model.Parameters;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** A random model whose steps can be timed: evaluation with prepared weights as a validator does it, or training. */
public final class SpeedTest implements AutoCloseable {
    private final Trainer trainer; // null for evaluation
    private final Parameters parameters; // null for training
    private final Gpt2 model; // null for training

    /** Makes the model and everything a step needs. */
    public SpeedTest(Engine engine, Gpt2Config config, int B, int T, boolean training, long seed) {
        TrainConfig d = TrainConfig.defaults();
        if (training) {
            var settings = new TrainConfig(
                    d.lr(),
                    TrainConfig.Schedule.CONSTANT,
                    0,
                    1,
                    d.beta1(),
                    d.beta2(),
                    d.epsilon(),
                    d.weightDecay(),
                    d.decayAll(),
                    d.gradClip(),
                    1,
                    0,
                    seed);
            trainer = Trainer.fresh(engine, config, settings, B, T);
            parameters = null;
            model = null;
        } else {
            trainer = null;
            parameters = random(engine, config, seed);
            model = new Gpt2(engine, config, B, T, false, 0);
        }
    }

    private static Parameters random(Engine engine, Gpt2Config config, long seed) {
        var layout = new ParameterLayout(config, Padding.NONE, false);
        long largest = 0;
        for (ParameterLayout.Slot slot : layout.slots()) {
            largest = Math.max(largest, slot.elements() * Float.BYTES);
        }
        // One tensor after the other in the same memory: each is copied before the next is asked for.
        try (Arena arena = Arena.ofShared()) {
            MemorySegment scratch = arena.allocate(largest, 64);
            return Parameters.forEvaluation(engine, config, name -> {
                ParameterLayout.Slot slot = layout.slot(name);
                MemorySegment values = scratch.asSlice(0, slot.elements() * Float.BYTES);
                Initialisation.fill(values.fill((byte) 0), config, slot, seed ^ name.hashCode());
                return new TensorView(name, ElementType.F32, slot.shape(), values);
            });
        }
    }

    /** One step; returns its mean loss. */
    public double step(Batch batch) {
        if (trainer != null) {
            Optional<StepReport> report = trainer.train(batch);
            return report.orElseThrow().loss();
        }
        return batch.lossSum(model.losses(parameters, batch.tokens(), batch.targets())) / batch.predictions();
    }

    @Override
    public void close() {
        if (trainer != null) {
            trainer.close();
        } else {
            model.close();
            parameters.close();
        }
    }
}
