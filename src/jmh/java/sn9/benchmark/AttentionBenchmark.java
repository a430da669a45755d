package sn9.benchmark;

import org.openjdk.jmh.annotations.Benchmark;

/** attention_forward, keeping what training needs, and attention_backward. */
public class AttentionBenchmark extends OpBenchmark {
    private int HS;
    private float scale;
    private Tensor qkv; // (B, T, 3*C)
    private Tensor out; // (B, T, C)
    private Tensor lse; // (B, NH, T) f32
    private Tensor dout; // (B, T, C)
    private Tensor dqkv; // (B, T, 3*C)

    @Override
    void prepare() {
        HS = C / NH;
        scale = (float) (1 / Math.sqrt(HS));
        qkv = activations("qkv", 3L * N * C, 1);
        out = activations("out", (long) N * C, 0);
        lse = floats("lse", (long) N * NH, 0);
        dout = activations("dout", (long) N * C, 1);
        dqkv = activations("dqkv", 3L * N * C, 0);
        reserve(128);
    }

    @Override
    void check() {
        float[] x = qkv.read();
        float[] d = dout.read();
        runForward();
        compare("attention_forward", out, i -> attended(x, i), T);
        float[] y = out.read();
        runBackward();
        // The gradient of q, which lies first in a row of qkv; of k and v nothing but that it is finite.
        compare("attention_backward", dqkv, i -> i % (3 * C) < C ? queryGradient(x, y, d, i) : finite(i), T);
    }

    private double finite(int i) {
        float value = dqkv.read()[i];
        return Float.isFinite(value) ? value : Double.NaN;
    }

    /** Probabilities of row t of a head over the t + 1 first keys. */
    private double[] probabilities(float[] x, int row, int head) {
        int t = row % T;
        int first = row - t;
        var p = new double[t + 1];
        for (int j = 0; j <= t; j++) {
            p[j] = scale * Plain.dot(x, row * 3 * C + head, 1, x, (first + j) * 3 * C + C + head, 1, HS);
        }
        Plain.softmax(p, p.length);
        return p;
    }

    private double attended(float[] x, int i) {
        int row = i / C;
        int first = row - row % T;
        double[] p = probabilities(x, row, i % C / HS * HS);
        double sum = 0;
        for (int j = 0; j < p.length; j++) {
            sum += p[j] * x[(first + j) * 3 * C + 2 * C + i % C];
        }
        return sum;
    }

    private double queryGradient(float[] x, float[] y, float[] d, int i) {
        int row = i / (3 * C);
        int column = i % (3 * C);
        int head = column / HS * HS;
        int first = row - row % T;
        double[] p = probabilities(x, row, head);
        double along = Plain.dot(d, row * C + head, 1, y, row * C + head, 1, HS);
        double sum = 0;
        for (int j = 0; j < p.length; j++) {
            double dp = Plain.dot(d, row * C + head, 1, x, (first + j) * 3 * C + 2 * C + head, 1, HS);
            sum += p[j] * (dp - along) * x[(first + j) * 3 * C + C + column];
        }
        return scale * sum;
    }

    private void runForward() {
        ops.attentionForward(out.buffer(), lse.buffer(), qkv.buffer(), null, 0, 0, scale, B, T, NH, HS);
    }

    private void runBackward() {
        ops.attentionBackward(
                dqkv.buffer(),
                dout.buffer(),
                out.buffer(),
                qkv.buffer(),
                lse.buffer(),
                null,
                0,
                0,
                scale,
                B,
                T,
                NH,
                HS);
    }

    @Benchmark
    public void attentionForward(Rates rates) {
        runForward();
        done(rates, 4.0 * N * C * e() + 4.0 * N * NH, 2.0 * N * T * C);
    }

    @Benchmark
    public void attentionBackward(Rates rates) {
        runBackward();
        // Products of half a square each; the two kernels on a GPU both compute the scores and their gradient.
        double products = device.equals("cpu") ? 5 : 7;
        done(rates, 8.0 * N * C * e() + 16.0 * N * NH, products * N * T * C);
    }
}
