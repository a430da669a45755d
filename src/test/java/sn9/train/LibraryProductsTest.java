package sn9.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.tensor.ElementType;
import sn9.testing.Devices;
import sn9.testing.Golden;
import sn9.testing.HostBuild;
import sn9.testing.PlainTraining;
import sn9.testing.Roundoff;
import sn9.testing.Substitute;

/** Training in bf16 whose products are cuBLASLt's, a substitute's here, and evaluation whose products never are. */
class LibraryProductsTest {
    private static final String DEVICE = "cudahost";
    private static final int STEPS = 4;

    private static TrainConfig settings() {
        var d = TrainConfig.defaults();
        return new TrainConfig(
                3e-3,
                TrainConfig.Schedule.CONSTANT,
                0,
                1,
                d.beta1(),
                d.beta2(),
                d.epsilon(),
                d.weightDecay(),
                d.decayAll(),
                d.gradClip(),
                1,
                0,
                3);
    }

    /** Losses of the steps, then of the first batch evaluated; what the engine said of its products at last. */
    private record Run(double[] losses, double evaluatedFirst, double evaluatedLast, String gemm) {}

    private static Run run(Golden golden, List<Batch> batches) throws IOException {
        try (Engine engine = Engines.open(DEVICE, 1, ElementType.BF16);
                var trainer = Trainer.from(
                        engine,
                        golden.model(),
                        settings(),
                        batches.getFirst().B(),
                        batches.getFirst().T())) {
            double first = trainer.evaluate(batches.subList(0, 1));
            double[] losses = batches.stream()
                    .mapToDouble(batch -> trainer.train(batch).orElseThrow().loss())
                    .toArray();
            return new Run(
                    losses,
                    first,
                    trainer.evaluate(batches.subList(0, 1)),
                    engine.properties().get("gemm"));
        }
    }

    @Test
    void stepsStayWithinBf16sBoundAndEvaluationKeepsItsBits() throws IOException {
        assumeTrue(Devices.all().anyMatch(DEVICE::equals), "the host build is not here");
        try (Golden golden = Golden.open();
                HostBuild sm90 = HostBuild.with("profile", "sm_90")) {
            assertThat(sm90).isNotNull();
            Batch batch = golden.batch("batch.0");
            var batches = new ArrayList<Batch>();
            for (int step = 0; step < STEPS; step++) {
                batches.add(batch);
            }
            Run own = run(golden, batches);
            Run first;
            Run second;
            try (Substitute library = Substitute.cublaslt()) {
                assertThat(library).isNotNull();
                first = run(golden, batches);
                second = run(golden, batches);
            }
            assertThat(own.gemm()).isEqualTo("own");
            assertThat(first.gemm()).isEqualTo("cuBLASLt 13.0.2");
            assertThat(first.evaluatedFirst()).isEqualTo(own.evaluatedFirst());
            assertThat(first.losses()).isNotEqualTo(own.losses()).isEqualTo(second.losses());
            assertThat(first.evaluatedLast()).isEqualTo(second.evaluatedLast());

            double[] exact = new PlainTraining(golden.model().config(), golden.parameters(), settings(), value -> value)
                    .train(batches);
            double[] bound = Roundoff.bound(exact, 6, rounding -> new PlainTraining(
                            golden.model().config(), golden.parameters(), settings(), rounding)
                    .train(batches));
            for (int step = 0; step < STEPS; step++) {
                assertThat(first.losses()[step]).as("step %d", step + 1).isCloseTo(exact[step], within(bound[step]));
            }
        }
    }
}
