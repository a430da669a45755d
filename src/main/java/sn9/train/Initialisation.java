package sn9.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import sn9.model.Gpt2Config;
import sn9.model.ParameterLayout;

/**
 * GPT-2's initial parameters (subnet.md section 0): matrices and embeddings N(0, 0.02), the two projections into the
 * residual stream N(0, 0.02 / sqrt(2 L)), biases 0, layer norms 1 and 0.
 */
final class Initialisation {
    private static final double DEVIATION = 0.02;
    /** Elements that draw from one generator: fixed, so that the values do not depend on the number of threads. */
    private static final long CHUNK = 1 << 16;

    private Initialisation() {}

    /** Fills a zeroed host arena of the layout's size. */
    static void fill(MemorySegment arena, Gpt2Config config, ParameterLayout layout, long seed) {
        var seeds = new SplittableRandom(seed);
        List<Runnable> chunks = new ArrayList<>();
        for (ParameterLayout.Slot slot : layout.slots()) {
            double deviation =
                    slot.name().endsWith("c_proj.weight") ? DEVIATION / Math.sqrt(2.0 * config.nLayer()) : DEVIATION;
            for (long start = 0; start < slot.elements(); start += CHUNK) {
                long first = slot.offset() + start;
                long end = slot.offset() + Math.min(slot.elements(), start + CHUNK);
                var random = seeds.split();
                if (slot.shape().length == 2) {
                    chunks.add(() -> {
                        for (long i = first; i < end; i++) {
                            arena.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (deviation * random.nextGaussian()));
                        }
                    });
                } else if (slot.name().matches(".*ln_.\\.weight")) {
                    chunks.add(() -> {
                        for (long i = first; i < end; i++) {
                            arena.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1f);
                        }
                    });
                }
            }
        }
        chunks.parallelStream().forEach(Runnable::run);
    }
}
