package sn9.benchmark;

import org.openjdk.jmh.annotations.Benchmark;
import sn9.engine.Ops.Activation;
import sn9.engine.Weight;

/** linear_forward with GELU, linear_backward_input and linear_backward_weight at the MLP's first matrix: C to 4C. */
public class LinearBenchmark extends OpBenchmark {
    private int OC;
    private Tensor in; // (N, C)
    private Tensor weights; // (C, OC) f32
    private Tensor bias; // (OC) f32
    private Tensor out; // (N, OC)
    private Tensor pre; // (N, OC)
    private Tensor dout; // (N, OC)
    private Tensor din; // (N, C)
    private Tensor dw; // (C, OC) f32
    private Tensor db; // (OC) f32
    private Weight w;

    @Override
    void prepare() {
        OC = 4 * C;
        in = activations("in", (long) N * C, 1);
        weights = floats("w", (long) C * OC, 0.1);
        bias = floats("bias", OC, 1);
        out = activations("out", (long) N * OC, 0);
        pre = activations("pre", (long) N * OC, 0);
        dout = activations("dout", (long) N * OC, 1);
        din = activations("din", (long) N * C, 0);
        dw = floats("dw", (long) C * OC, 0);
        db = floats("db", OC, 0);
        w = trained(weights, C, OC, Weight.Kind.LINEAR);
        reserve(128);
    }

    @Override
    void check() {
        float[] x = in.read();
        float[] y = weights.read();
        float[] b = bias.read();
        float[] d = dout.read();
        runForward();
        compare("linear_forward, pre", pre, i -> b[i % OC] + Plain.dot(x, i / OC * C, 1, y, i % OC, OC, C), C);
        float[] kept = pre.read();
        compare("linear_forward", out, i -> Plain.gelu(kept[i]), 1);
        runInput();
        compare("linear_backward_input", din, i -> Plain.dot(d, i / C * OC, 1, y, i % C * OC, 1, OC), OC);
        runWeight();
        compare("linear_backward_weight", dw, i -> Plain.dot(x, i / OC, C, d, i % OC, OC, N), N);
        compare("linear_backward_weight, bias", db, i -> Plain.sum(d, i, OC, N), N);
    }

    private void runForward() {
        ops.linearForward(out.buffer(), pre.buffer(), in.buffer(), w, bias.buffer(), null, Activation.GELU, N);
    }

    private void runInput() {
        ops.linearBackwardInput(din.buffer(), dout.buffer(), w, null, Activation.NONE, N);
    }

    private void runWeight() {
        ops.linearBackwardWeight(dw.buffer(), db.buffer(), in.buffer(), dout.buffer(), N, C, OC);
    }

    private double bytes() {
        return ((double) N * C + (double) C * OC + (double) N * OC) * e();
    }

    private double flops() {
        return 2.0 * N * C * OC;
    }

    @Benchmark
    public void linearForward(Rates rates) {
        runForward();
        done(rates, bytes() + (double) N * OC * e(), flops());
    }

    @Benchmark
    public void linearBackwardInput(Rates rates) {
        runInput();
        done(rates, bytes(), flops());
    }

    @Benchmark
    public void linearBackwardWeight(Rates rates) {
        runWeight();
        done(rates, ((double) N * C + 2.0 * N * OC) * e() + 8.0 * C * OC, flops());
    }
}
