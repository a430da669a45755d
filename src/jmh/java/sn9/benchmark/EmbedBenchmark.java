package sn9.benchmark;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import sn9.engine.Weight;

/** embed_forward and embed_backward. */
public class EmbedBenchmark extends OpBenchmark {
    @Param("50304")
    int V;

    private Tensor tokens; // (N) i32
    private Tensor table; // (V, C) f32
    private Tensor wpe; // (T, C) f32
    private Tensor out; // (N, C)
    private Tensor dout; // (N, C)
    private Tensor dwte; // (V, C) f32
    private Tensor dwpe; // (T, C) f32
    private Weight wte;

    @Override
    void prepare() {
        tokens = integers("tokens", N, V);
        table = floats("wte", (long) V * C, 1);
        wpe = floats("wpe", (long) T * C, 1);
        out = activations("out", (long) N * C, 0);
        dout = activations("dout", (long) N * C, 1);
        dwte = floats("dwte", (long) V * C, 0);
        dwpe = floats("dwpe", (long) T * C, 0);
        wte = trained(table, V, C, Weight.Kind.EMBEDDING);
        reserve(V);
    }

    @Override
    void check() {
        int[] ids = tokens.integers();
        float[] words = table.read();
        float[] places = wpe.read();
        float[] d = dout.read();
        runForward();
        compare("embed_forward", out, i -> words[ids[i / C] * C + i % C] + places[i / C % T * C + i % C], 1);
        runBackward();
        compare("embed_backward, positions", dwpe, i -> Plain.sum(d, i, T * C, B), B);
        float[] found = dwte.read();
        compare("embed_backward", dout, i -> d[i] + found[ids[i / C] * C + i % C] - ofToken(d, ids, i), B);
    }

    /** The sum of dout over all rows with the token of element i's row, in its column. */
    private double ofToken(float[] d, int[] ids, int i) {
        double sum = 0;
        for (int row = 0; row < N; row++) {
            sum += ids[row] == ids[i / C] ? d[row * C + i % C] : 0;
        }
        return sum;
    }

    private void runForward() {
        ops.embedForward(out.buffer(), tokens.buffer(), wte, wpe.buffer(), B, T, C);
    }

    private void runBackward() {
        ops.embedBackward(dwte.buffer(), dwpe.buffer(), dout.buffer(), tokens.buffer(), B, T, C, V);
    }

    @Benchmark
    public void embedForward(Rates rates) {
        runForward();
        done(rates, 3.0 * N * C * e(), 0);
    }

    @Benchmark
    public void embedBackward(Rates rates) {
        runBackward();
        done(rates, (double) N * C * e() + 8.0 * N * C, 0);
    }
}
