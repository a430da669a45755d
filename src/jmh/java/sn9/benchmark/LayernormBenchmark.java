package sn9.benchmark;

import org.openjdk.jmh.annotations.Benchmark;

/** add_layernorm_forward without an addition, as the graph calls it, layernorm_recompute and layernorm_backward. */
public class LayernormBenchmark extends OpBenchmark {
    private static final float EPSILON = 1e-5f;

    private Tensor in; // (N, C)
    private Tensor out; // (N, C)
    private Tensor again; // (N, C)
    private Tensor dout; // (N, C)
    private Tensor din; // (N, C)
    private Tensor w; // (C) f32
    private Tensor bias; // (C) f32
    private Tensor dw; // (C) f32
    private Tensor db; // (C) f32
    private Tensor mean; // (N) f32
    private Tensor rstd; // (N) f32

    @Override
    void prepare() {
        in = activations("in", (long) N * C, 1);
        out = activations("out", (long) N * C, 0);
        again = activations("again", (long) N * C, 0);
        dout = activations("dout", (long) N * C, 1);
        din = activations("din", (long) N * C, 0);
        w = floats("w", C, 1);
        bias = floats("bias", C, 1);
        dw = floats("dw", C, 0);
        db = floats("db", C, 0);
        mean = floats("mean", N, 0);
        rstd = floats("rstd", N, 0);
        reserve(128);
    }

    @Override
    void check() {
        float[] x = in.read();
        float[] scale = w.read();
        float[] shift = bias.read();
        float[] d = dout.read();
        runForward();
        compare("add_layernorm_forward", out, i -> normalised(x, i) * scale[i % C] + shift[i % C], C);
        runRecompute();
        compare("layernorm_recompute", again, i -> normalised(x, i) * scale[i % C] + shift[i % C], C);
        runBackward();
        compare("layernorm_backward", din, i -> gradient(x, d, scale, i), C);
        compare("layernorm_backward, bias", db, c -> Plain.sum(d, c, C, N), N);
    }

    private double normalised(float[] x, int i) {
        double[] moments = Plain.moments(x, i / C * C, C, EPSILON);
        return (x[i] - moments[0]) * moments[1];
    }

    /** rstd * (g - mean(g) - n * mean(g * n)), g = dout * w, n the normalised row. */
    private double gradient(float[] x, float[] d, float[] scale, int i) {
        int row = i / C * C;
        double[] moments = Plain.moments(x, row, C, EPSILON);
        double plain = 0;
        double along = 0;
        for (int c = 0; c < C; c++) {
            double g = (double) d[row + c] * scale[c];
            plain += g / C;
            along += g * (x[row + c] - moments[0]) * moments[1] / C;
        }
        return moments[1] * ((double) d[i] * scale[i % C] - plain - (x[i] - moments[0]) * moments[1] * along);
    }

    private void runForward() {
        ops.addLayernormForward(
                null,
                out.buffer(),
                mean.buffer(),
                rstd.buffer(),
                in.buffer(),
                null,
                w.buffer(),
                bias.buffer(),
                EPSILON,
                N,
                C,
                C);
    }

    private void runRecompute() {
        ops.layernormRecompute(
                again.buffer(), in.buffer(), mean.buffer(), rstd.buffer(), w.buffer(), bias.buffer(), N, C, C);
    }

    private void runBackward() {
        ops.layernormBackward(
                din.buffer(),
                dw.buffer(),
                db.buffer(),
                dout.buffer(),
                in.buffer(),
                mean.buffer(),
                rstd.buffer(),
                w.buffer(),
                N,
                C,
                C);
    }

    @Benchmark
    public void addLayernormForward(Rates rates) {
        runForward();
        done(rates, 2.0 * N * C * e() + 8.0 * N, 0);
    }

    @Benchmark
    public void layernormRecompute(Rates rates) {
        runRecompute();
        done(rates, 2.0 * N * C * e() + 8.0 * N, 0);
    }

    @Benchmark
    public void layernormBackward(Rates rates) {
        runBackward();
        done(rates, 4.0 * N * C * e() + 8.0 * N, 0);
    }
}
