package sn9.benchmark;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToDoubleFunction;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.engine.Ops;
import sn9.engine.Weight;
import sn9.tensor.Bfloat16;
import sn9.tensor.ElementType;

/**
 * One operation on one device: {@code -p device=cpu}, {@code cuda}, or {@code cudahost}, whose times mean nothing and whose
 * answers do. Sizes are GPT-2 124M's with one sequence; all are parameters.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public abstract class OpBenchmark {
    private static final long COPY_BYTES = 64L << 20;
    private static final int PEAK_RUNS = 5;
    private static final int SAMPLES = 64; // elements of an answer that are compared

    @Param("cpu")
    String device;

    @Param("fp32")
    String precision;

    @Param("0")
    int threads;

    @Param("1")
    int B;

    @Param("1024")
    int T;

    @Param("768")
    int C;

    @Param("12")
    int NH;

    /** Rows, B*T. */
    int N;

    Engine engine;
    Ops ops;
    private final SplittableRandom random = new SplittableRandom(7);
    private final List<Buffer> buffers = new ArrayList<>();
    private double copyRate; // bytes per second, read and written
    private double productRate; // FLOP per second

    /** Makes the tensors. */
    abstract void prepare();

    /** Runs every operation once and compares. */
    abstract void check();

    /** Opens the device, measures its peaks, and checks the answers. */
    @Setup(Level.Trial)
    public void open() {
        N = B * T;
        engine = Engines.open(device, threads, precision.equals("bf16") ? ElementType.BF16 : ElementType.F32);
        ops = engine.ops();
        measurePeaks();
        prepare();
        check();
    }

    /** Frees everything. */
    @TearDown(Level.Trial)
    public void close() {
        engine.synchronize();
        buffers.forEach(Buffer::close);
        engine.close();
    }

    /** Waits for what a benchmark has asked for, and counts it. */
    void done(Rates rates, double bytes, double flops) {
        engine.synchronize();
        rates.gigabytes += bytes / 1e9;
        rates.gigaflops += flops / 1e9;
        rates.peakShare += Math.max(bytes / copyRate, flops / productRate);
    }

    /** Bytes of an element of activations. */
    int e() {
        return engine.activationType().bytes();
    }

    /** Activations, even numbers in plus and minus a scale. */
    Tensor activations(String label, long elements, double scale) {
        return tensor(label, elements, scale, engine.activationType());
    }

    /** The same in f32. */
    Tensor floats(String label, long elements, double scale) {
        return tensor(label, elements, scale, ElementType.F32);
    }

    /** 32-bit integers from 0 to below a bound. */
    Tensor integers(String label, long elements, int bound) {
        MemorySegment host = Arena.ofAuto().allocate(elements * Integer.BYTES, 64);
        for (long i = 0; i < elements; i++) {
            host.setAtIndex(ValueLayout.JAVA_INT, i, random.nextInt(bound));
        }
        return uploaded(label, host, ElementType.I32);
    }

    /** A weight over f32 values that training would change, in the form that its operations read. */
    Weight trained(Tensor values, int rows, int columns, Weight.Kind kind) {
        Tensor copy = e() == 2 ? activations("copy of " + kind, (long) rows * columns, 0) : null;
        return ops.trainedWeight(values.buffer(), copy == null ? null : copy.buffer(), rows, columns, kind);
    }

    /** Makes the workspace large enough for a model of these sizes and so many words. */
    void reserve(int V) {
        engine.reserve(B, T, C, NH, C / NH, 4 * C, V, true);
    }

    private Tensor tensor(String label, long elements, double scale, ElementType type) {
        MemorySegment host = Arena.ofAuto().allocate(elements * type.bytes(), 64);
        for (long i = 0; i < elements; i++) {
            float value = (float) (scale * (2 * random.nextDouble() - 1));
            if (type == ElementType.BF16) {
                host.setAtIndex(ValueLayout.JAVA_SHORT, i, Bfloat16.fromFloat(value));
            } else {
                host.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
            }
        }
        return uploaded(label, host, type);
    }

    private Tensor uploaded(String label, MemorySegment host, ElementType type) {
        Buffer buffer = keep(engine.allocate(label, host.byteSize()));
        engine.upload(buffer, host);
        return new Tensor(engine, buffer, type);
    }

    private Buffer keep(Buffer buffer) {
        buffers.add(buffer);
        return buffer;
    }

    /**
     * Compares elements of an answer, drawn by a seed.
     *
     * @param of how many sums of which length an element is made of decides what rounding allows
     */
    void compare(String what, Tensor answer, IntToDoubleFunction expected, int of) {
        float[] found = answer.read();
        double unit = answer.type() == ElementType.BF16 || engine.activationType() == ElementType.BF16 ? 8e-3 : 1e-6;
        double allowed = 8 * unit * Math.max(1, Math.sqrt(of) / 8);
        for (int sample = 0; sample < SAMPLES; sample++) {
            int i = random.nextInt(found.length);
            double wanted = expected.applyAsDouble(i);
            if (!(Math.abs(found[i] - wanted) <= allowed * (1 + Math.abs(wanted)))) {
                throw new IllegalStateException("%s on %s: element %d is %s, expected %s within %.1e: no time is taken"
                        .formatted(what, engine.name(), i, found[i], wanted, allowed));
            }
        }
    }

    private void measurePeaks() {
        long bytes = Math.min(COPY_BYTES, 4L * N * C * Float.BYTES);
        int K = C;
        int columns = 4 * C;
        int rows = Math.min(N, 1024);
        try (Buffer from = engine.allocate("from", bytes);
                Buffer to = engine.allocate("to", bytes);
                Buffer a = engine.allocate("a", (long) rows * K * Float.BYTES);
                Buffer b = engine.allocate("b", (long) K * columns * Float.BYTES);
                Buffer product = engine.allocate("product", (long) rows * columns * Float.BYTES)) {
            for (Buffer buffer : List.of(from, a, b)) {
                ops.clear(buffer);
            }
            copyRate = 2.0 * bytes / best(() -> engine.copy(to, from, bytes));
            double own = best(() -> ops.matmul(product, a, b, rows, K, columns, false));
            boolean library = ops.matmul(product, a, b, rows, K, columns, true);
            double other = library ? best(() -> ops.matmul(product, a, b, rows, K, columns, true)) : own;
            productRate = 2.0 * rows * K * columns / Math.min(own, other);
        }
    }

    private double best(Runnable work) {
        double best = Double.MAX_VALUE;
        for (int run = 0; run < PEAK_RUNS; run++) {
            engine.synchronize();
            long start = System.nanoTime();
            work.run();
            engine.synchronize();
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        return best;
    }
}
