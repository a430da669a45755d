package sn9.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import sn9.engine.Buffer;
import sn9.engine.Engine;

/** Rates of one matrix product, our kernels' and oneDNN's, each checked against the other first. */
final class GemmBench {
    /** Runs per product, of which the best counts. */
    static final int RUNS = 10;

    private GemmBench() {}

    /**
     * GFLOP/s of A (M, K) times B (K, N).
     *
     * @return ours and oneDNN's, which is 0 where there is none
     * @throws IllegalStateException when the two products differ by more than rounding
     */
    static double[] measure(Engine engine, int M, int K, int N) {
        try (Arena arena = Arena.ofConfined();
                Buffer a = random(engine, arena, "a", M * K);
                Buffer b = random(engine, arena, "b", K * N);
                Buffer own = engine.allocate("own", (long) M * N * Float.BYTES);
                Buffer other = engine.allocate("onednn", (long) M * N * Float.BYTES)) {
            engine.ops().matmul(own, a, b, M, K, N, false);
            boolean onednn = engine.ops().matmul(other, a, b, M, K, N, true);
            if (onednn) {
                expectEqual(engine.read(own, arena), engine.read(other, arena), K);
            }
            double best = 0;
            double bestOther = 0;
            for (int run = 0; run < RUNS; run++) {
                best = Math.max(best, rate(engine, own, a, b, M, K, N, false));
                bestOther = onednn ? Math.max(bestOther, rate(engine, other, a, b, M, K, N, true)) : 0;
            }
            return new double[] {best, bestOther};
        }
    }

    private static double rate(Engine engine, Buffer out, Buffer a, Buffer b, int M, int K, int N, boolean onednn) {
        long start = System.nanoTime();
        engine.ops().matmul(out, a, b, M, K, N, onednn);
        engine.synchronize();
        return 2.0 * M * N * K / (System.nanoTime() - start);
    }

    private static void expectEqual(MemorySegment own, MemorySegment other, int K) {
        double allowed = 1e-6 * Math.sqrt(K);
        for (long i = 0; i < own.byteSize(); i += Float.BYTES) {
            float x = own.get(ValueLayout.JAVA_FLOAT, i);
            float y = other.get(ValueLayout.JAVA_FLOAT, i);
            if (!(Math.abs(x - y) <= allowed * (1 + Math.abs(y)))) {
                throw new IllegalStateException(
                        "our product differs from oneDNN's: element " + i / 4 + " is " + x + " against " + y);
            }
        }
    }

    private static Buffer random(Engine engine, Arena arena, String label, int elements) {
        var random = new SplittableRandom(elements);
        MemorySegment values = arena.allocate(ValueLayout.JAVA_FLOAT, elements);
        for (int i = 0; i < elements; i++) {
            values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (random.nextDouble() - 0.5));
        }
        Buffer buffer = engine.allocate(label, values.byteSize());
        engine.upload(buffer, values);
        return buffer;
    }
}
