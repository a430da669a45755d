package sn9.benchmark;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import sn9.engine.StepBlock;

/** grad_norm and adamw over a flat arena. */
public class OptimizerBenchmark extends OpBenchmark {
    private static final double LR = 1e-3;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.95;
    private static final double EPSILON = 1e-8;

    @Param("16777216")
    int P;

    private Tensor params; // (P) f32
    private Tensor grads; // (P) f32
    private Tensor m; // (P) f32
    private Tensor v; // (P) f32
    private Tensor copy; // (P) of the activation type; null where that is f32
    private StepBlock step;

    @Override
    void prepare() {
        params = floats("params", P, 1);
        grads = floats("grads", P, 1);
        m = floats("m", P, 0);
        v = floats("v", P, 0);
        copy = e() == 2 ? activations("copy", P, 0) : null;
        step = new StepBlock(engine);
        step.optimizer(LR, BETA1, BETA2, EPSILON, 0, 0, 1);
        reserve(128);
    }

    @Override
    public void close() {
        step.close();
        super.close();
    }

    @Override
    void check() {
        float[] before = params.read();
        float[] g = grads.read();
        ops.gradNorm(step, grads.buffer(), P);
        double square = 0;
        for (float x : g) {
            square += (double) x * x;
        }
        if (!(Math.abs(step.gradNorm() - Math.sqrt(square)) <= 1e-6 * Math.sqrt(square))) {
            throw new IllegalStateException(
                    "grad_norm is " + step.gradNorm() + ", expected " + Math.sqrt(square) + ": no time is taken");
        }
        runAdamw();
        // At the first step both moments, corrected, are the gradient and its square.
        compare("adamw", params, i -> before[i] - LR * g[i] / (Math.abs(g[i]) + EPSILON), 1);
    }

    private void runAdamw() {
        ops.adamw(
                params.buffer(),
                m.buffer(),
                v.buffer(),
                copy == null ? null : copy.buffer(),
                grads.buffer(),
                step,
                0,
                P);
    }

    @Benchmark
    public void gradNorm(Rates rates) {
        ops.gradNorm(step, grads.buffer(), P);
        done(rates, 4.0 * P, 0);
    }

    @Benchmark
    public void adamw(Rates rates) {
        runAdamw();
        done(rates, (e() == 2 ? 30.0 : 28.0) * P, 0);
    }
}
