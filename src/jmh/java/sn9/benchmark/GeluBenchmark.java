package sn9.benchmark;

import org.openjdk.jmh.annotations.Benchmark;

/** gelu_forward over the MLP's width. */
public class GeluBenchmark extends OpBenchmark {
    private Tensor pre; // (N, 4*C)
    private Tensor out; // (N, 4*C)

    @Override
    void prepare() {
        pre = activations("pre", 4L * N * C, 3);
        out = activations("out", 4L * N * C, 0);
    }

    @Override
    void check() {
        float[] x = pre.read();
        run();
        compare("gelu_forward", out, i -> Plain.gelu(x[i]), 1);
    }

    private void run() {
        ops.geluForward(out.buffer(), pre.buffer(), 4L * N * C);
    }

    @Benchmark
    public void geluForward(Rates rates) {
        run();
        done(rates, 8.0 * N * C * e(), 0);
    }
}
