package sn9.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import sn9.engine.Buffer;
import sn9.engine.Engine;

/** Rates of one matrix product, our kernels' and oneDNN's, each checked against the other first. */
final class GemmBench implements AutoCloseable {
    private final Engine engine;
    private final int M;
    private final int K;
    private final int N;
    private final Buffer a;
    private final Buffer b;
    private final Buffer out;
    private final boolean onednn;
    private final Runs own = new Runs();
    private final Runs other = new Runs();

    /**
     * A (M, K) times B (K, N), computed once by each.
     *
     * @throws IllegalStateException when the two products differ by more than rounding
     */
    GemmBench(Engine engine, int M, int K, int N) {
        this.engine = engine;
        this.M = M;
        this.K = K;
        this.N = N;
        try (Arena arena = Arena.ofConfined()) {
            a = random(engine, arena, "a", M * K);
            b = random(engine, arena, "b", K * N);
            out = engine.allocate("product", (long) M * N * Float.BYTES);
            engine.ops().matmul(out, a, b, M, K, N, false);
            MemorySegment own = engine.read(out, arena);
            onednn = engine.ops().matmul(out, a, b, M, K, N, true);
            if (onednn) {
                expectEqual(own, engine.read(out, arena), K);
            }
        }
    }

    /** Runs both some times, after one that is not counted: the operands are in cache. */
    void run(int times) {
        seconds(false);
        for (int run = 0; run < times; run++) {
            own.add(seconds(false));
            if (onednn) {
                other.add(seconds(true));
            }
        }
    }

    /** GFLOP/s of our fastest run. */
    double ownPeak() {
        return own.peak();
    }

    /** GFLOP/s of oneDNN's fastest run; 0 where there is no oneDNN. */
    double onednnPeak() {
        return other.peak();
    }

    /** GFLOP/s of the fastest run. */
    double peak() {
        return Math.max(own.peak(), other.peak());
    }

    /** GFLOP/s over all runs, of the faster of the two. */
    double mean() {
        return Math.max(own.mean(), other.mean());
    }

    @Override
    public void close() {
        a.close();
        b.close();
        out.close();
    }

    private double seconds(boolean byOneDnn) {
        long start = System.nanoTime();
        engine.ops().matmul(out, a, b, M, K, N, byOneDnn);
        engine.synchronize();
        return (System.nanoTime() - start) / 1e9;
    }

    /** The clock's account of one kernel. */
    private final class Runs {
        private int runs;
        private double sum;
        private double least = Double.POSITIVE_INFINITY;

        void add(double seconds) {
            runs++;
            sum += seconds;
            least = Math.min(least, seconds);
        }

        double peak() {
            return 2e-9 * M * N * K / least;
        }

        double mean() {
            return runs == 0 ? 0 : 2e-9 * M * N * K * runs / sum;
        }
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
