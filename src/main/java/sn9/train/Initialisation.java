package sn9.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import sn9.model.Gpt2Config;
import sn9.model.ParameterLayout;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

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
        for (ParameterLayout.Slot slot : layout.slots()) {
            MemorySegment memory = arena.asSlice(slot.offset() * Float.BYTES, slot.elements() * Float.BYTES);
            if (slot.plain()) {
                fill(memory, config, slot, seeds.nextLong());
            } else {
                try (Arena host = Arena.ofShared()) {
                    MemorySegment file = host.allocate(TensorView.elements(slot.shape()) * Float.BYTES, 64);
                    fill(file, config, slot, seeds.nextLong());
                    slot.scatter(file, ElementType.F32, memory);
                }
            }
        }
    }

    /** Fills one zeroed tensor of true sizes: the values do not depend on padding. */
    static void fill(MemorySegment values, Gpt2Config config, ParameterLayout.Slot slot, long seed) {
        boolean gain = slot.name().matches(".*ln_.\\.weight");
        if (slot.shape().length < 2 && !gain) {
            return; // a bias
        }
        double deviation =
                slot.name().endsWith("c_proj.weight") ? DEVIATION / Math.sqrt(2.0 * config.nLayer()) : DEVIATION;
        long elements = TensorView.elements(slot.shape());
        var seeds = new SplittableRandom(seed);
        List<Runnable> chunks = new ArrayList<>();
        for (long start = 0; start < elements; start += CHUNK) {
            long first = start;
            long end = Math.min(elements, start + CHUNK);
            var random = seeds.split();
            chunks.add(() -> {
                for (long i = first; i < end; i++) {
                    values.setAtIndex(
                            ValueLayout.JAVA_FLOAT, i, gain ? 1 : (float) (deviation * random.nextGaussian()));
                }
            });
        }
        chunks.parallelStream().forEach(Runnable::run);
    }
}
