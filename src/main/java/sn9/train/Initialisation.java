package sn9.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import sn9.model.Gpt2Config;
import sn9.model.ParameterLayout;

/**
 * GPT-2's initial parameters (subnet.md section 0): matrices and embeddings N(0, 0.02), the two projections into the
 * residual stream N(0, 0.02 / sqrt(2 L)), biases 0, layer norms 1 and 0.
 */
final class Initialisation {
    private static final double DEVIATION = 0.02;

    private Initialisation() {}

    /** Fills a host arena of the layout's size. Each tensor draws from a generator of its own. */
    static void fill(MemorySegment arena, Gpt2Config config, ParameterLayout layout, long seed) {
        var seeds = new SplittableRandom(seed);
        for (ParameterLayout.Slot slot : layout.slots()) {
            var random = seeds.split();
            boolean gain = slot.name().matches(".*\\.ln_.\\.weight");
            double deviation = slot.shape().length < 2
                    ? 0
                    : slot.name().endsWith("c_proj.weight") ? DEVIATION / Math.sqrt(2.0 * config.nLayer()) : DEVIATION;
            for (long i = 0; i < slot.elements(); i++) {
                float value = gain ? 1 : deviation == 0 ? 0 : (float) (deviation * random.nextGaussian());
                arena.setAtIndex(ValueLayout.JAVA_FLOAT, slot.offset() + i, value);
            }
        }
    }
}
