package sn9.benchmark;

import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import sn9.engine.StepBlock;
import sn9.engine.Weight;

/** head_loss_forward and head_loss_backward: losses without logits, and with the gradients. */
public class HeadLossBenchmark extends OpBenchmark {
    @Param("50257")
    int V;

    private int Vp; // V in memory
    private Tensor in; // (N, C)
    private Tensor table; // (Vp, C) f32
    private Tensor targets; // (N) i32
    private Tensor losses; // (N) f32
    private Tensor din; // (N, C)
    private Tensor dwte; // (Vp, C) f32
    private Weight wte;
    private StepBlock step;

    @Override
    void prepare() {
        int multiple = engine.padding().vocabulary();
        Vp = Math.ceilDiv(V, multiple) * multiple;
        in = activations("in", (long) N * C, 1);
        table = floats("wte", (long) Vp * C, 0.1);
        targets = integers("targets", N, V);
        losses = floats("losses", N, 0);
        din = activations("din", (long) N * C, 0);
        dwte = floats("dwte", (long) Vp * C, 0);
        wte = trained(table, Vp, C, Weight.Kind.EMBEDDING);
        step = new StepBlock(engine);
        step.pass(1, 1, 0);
        reserve(Vp);
    }

    @Override
    public void close() {
        step.close();
        super.close();
    }

    @Override
    void check() {
        float[] x = in.read();
        float[] words = table.read();
        int[] wanted = targets.integers();
        runForward();
        compare("head_loss_forward", losses, i -> -Math.log(probabilities(x, words, i)[wanted[i]]), C);
        float[] alone = losses.read();
        runBackward();
        if (!Arrays.equals(alone, losses.read())) {
            throw new IllegalStateException("head_loss_backward has other losses than head_loss_forward");
        }
        compare("head_loss_backward", din, i -> gradient(x, words, wanted, i), V);
    }

    private double[] probabilities(float[] x, float[] words, int row) {
        var p = new double[V];
        for (int v = 0; v < V; v++) {
            p[v] = Plain.dot(x, row * C, 1, words, v * C, 1, C);
        }
        Plain.softmax(p, V);
        return p;
    }

    private double gradient(float[] x, float[] words, int[] wanted, int i) {
        double[] p = probabilities(x, words, i / C);
        p[wanted[i / C]] -= 1;
        double sum = 0;
        for (int v = 0; v < V; v++) {
            sum += p[v] * words[v * C + i % C];
        }
        return sum;
    }

    private void runForward() {
        ops.headLossForward(losses.buffer(), in.buffer(), wte, targets.buffer(), N, V);
    }

    private void runBackward() {
        ops.headLossBackward(
                losses.buffer(), din.buffer(), dwte.buffer(), in.buffer(), wte, targets.buffer(), step, N, V);
    }

    @Benchmark
    public void headLossForward(Rates rates) {
        runForward();
        done(rates, ((double) N * C + (double) V * C) * e() + 8.0 * N, 2.0 * N * V * C);
    }

    @Benchmark
    public void headLossBackward(Rates rates) {
        runBackward();
        done(rates, (2.0 * N * C + 2.0 * V * C) * e() + 12.0 * N * V, 6.0 * N * V * C);
    }
}
