package sn9.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.data.Batch;
import sn9.engine.Card;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.engine.MemoryUse;
import sn9.eval.Evaluator;
import sn9.model.Gpt2;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.train.TrainConfig;
import sn9.train.Trainer;

/**
 * The device memory that training or evaluating a shape takes on a card. Nothing is estimated: the trainer and the evaluator
 * themselves allocate, on an engine that only counts.
 */
record MemoryPlan(Gpt2Config config, int T, Card card, boolean training, ElementType precision) {
    /** Left to the driver, its context, the kernels' code and what allocations are rounded up by. */
    static final long DRIVER_BYTES = 1L << 30;

    /** Bytes by what they are for, with sequences of T tokens in batches of B. */
    Map<String, Long> bytes(int B) {
        try (Engine engine = Engines.openPlan(card, precision)) {
            if (training) {
                try (var _ = Trainer.planned(engine, config, TrainConfig.defaults(), B, T)) {
                    Map<String, Long> parts = parts(engine.memory());
                    String library = engine.properties().get("gemm_workspace_bytes");
                    if (library != null) { // taken by the first training pass, where the library is found
                        parts.put("cuBLASLt", Long.parseLong(library));
                    }
                    return parts;
                }
            }
            try (var evaluator = new Evaluator(engine)) {
                evaluator.reserve(config, List.of(new Batch(B, T, new int[B * T], predicted(B * T))));
                return parts(engine.memory());
            }
        }
    }

    /** The largest batch whose memory fits, 0 when not even one sequence does. */
    int largestBatch(long memoryBytes) {
        long most = Gpt2.largestBatch(config, T);
        long tooLarge = 1;
        while (tooLarge <= most && fits((int) tooLarge, memoryBytes)) {
            tooLarge *= 2;
        }
        int fits = (int) (tooLarge / 2);
        tooLarge = Math.min(tooLarge, most + 1);
        while (fits + 1 < tooLarge) {
            int middle = (int) ((fits + tooLarge) / 2);
            if (fits(middle, memoryBytes)) {
                fits = middle;
            } else {
                tooLarge = middle;
            }
        }
        return fits;
    }

    private boolean fits(int B, long memoryBytes) {
        return total(bytes(B)) <= memoryBytes - DRIVER_BYTES;
    }

    /** The sum. */
    static long total(Map<String, Long> parts) {
        return parts.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Activations part by part, two slots of parameters as one line, all else as it was allocated. */
    private static Map<String, Long> parts(List<MemoryUse> uses) {
        var parts = new LinkedHashMap<String, Long>();
        for (MemoryUse use : uses) {
            if (use.label().startsWith("activations")) {
                use.parts().forEach((part, bytes) -> parts.merge("activations: " + part, bytes, Long::sum));
            } else {
                parts.merge(use.label(), use.bytes(), Long::sum);
            }
        }
        return parts;
    }

    private static int[] predicted(int n) {
        var targets = new int[n];
        Arrays.fill(targets, 1);
        return targets;
    }
}
