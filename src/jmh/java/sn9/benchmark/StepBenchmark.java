package sn9.benchmark;

import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import sn9.data.Batch;
import sn9.model.Gpt2Config;
import sn9.train.SpeedTest;

/** A whole training step, or the evaluation of a batch, of a random model. Work is spec'd FLOPs: true T, V and causal half. */
public class StepBenchmark extends OpBenchmark {
    @Param({"train", "eval"})
    String work;

    @Param("12")
    int L;

    @Param("50257")
    int V;

    private SpeedTest speed;
    private Batch batch;

    @Override
    void prepare() {
        var random = new SplittableRandom(3);
        batch = new Batch(
                B, T, random.ints(N, 0, V).toArray(), random.ints(N, 0, V).toArray());
        var config = new Gpt2Config(V, Math.max(T, Gpt2Config.POSITIONS), C, L, NH, 1e-5f);
        speed = new SpeedTest(engine, config, B, T, work.equals("train"), 1);
    }

    @Override
    public void close() {
        speed.close();
        super.close();
    }

    /** A model at initialisation knows nothing: its loss is ln V, give or take what random logits do. */
    @Override
    void check() {
        double loss = speed.step(batch);
        if (!(Math.abs(loss - Math.log(V)) < 0.5)) {
            throw new IllegalStateException("the loss is " + loss + ", expected about ln V = " + Math.log(V));
        }
    }

    @Benchmark
    public void step(Rates rates) {
        speed.step(batch);
        double forward = 2 * (12.0 * L * C * C + (double) V * C) + 2.0 * L * T * C;
        done(rates, 0, N * forward * (work.equals("train") ? 3 : 1));
    }
}
