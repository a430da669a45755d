package sn9.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import sn9.checkpoint.Safetensors;
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

    /** A checkpoint says what multiplied; a run that goes on with other products says so once, and learns on. */
    @Test
    void aCheckpointNamesTheLibraryAndAnotherIsToldOf(@TempDir Path folder) throws IOException {
        assumeTrue(Devices.all().anyMatch(DEVICE::equals), "the host build is not here");
        Path file = folder.resolve("state.safetensors");
        var log = (Logger) LoggerFactory.getLogger(Trainer.class);
        var logged = new ListAppender<ILoggingEvent>();
        logged.start();
        log.addAppender(logged);
        try (Golden golden = Golden.open();
                var _ = HostBuild.with("profile", "sm_90");
                Engine engine = Engines.open(DEVICE, 1, ElementType.BF16)) {
            Batch batch = golden.batch("batch.0");
            try (var _ = Substitute.cublaslt();
                    var trainer = Trainer.from(engine, golden.model(), settings(), batch.B(), batch.T())) {
                trainer.saveCheckpoint(file, Map.of());
                assertThat(products(file)).isEmpty();
                trainer.train(batch);
                trainer.saveCheckpoint(file, Map.of());
                assertThat(products(file)).isEqualTo("cuBLASLt 13.0.2");
            }
            try (var same = Trainer.resume(engine, file, batch.B(), batch.T())) {
                same.saveCheckpoint(file, Map.of());
                assertThat(products(file)).isEqualTo("cuBLASLt 13.0.2");
                same.train(batch);
                assertThat(logged.list).isEmpty();
            }
            try (Engine without = Engines.open(DEVICE, 1, ElementType.BF16);
                    var other = Trainer.resume(without, file, batch.B(), batch.T())) {
                other.train(batch);
                other.train(batch);
                assertThat(logged.list).singleElement().satisfies(event -> assertThat(event.getFormattedMessage())
                        .contains("cuBLASLt 13.0.2", "own, sm_90"));
                other.saveCheckpoint(file, Map.of());
                assertThat(products(file)).isEqualTo("own, sm_90");
            }
        } finally {
            log.detachAppender(logged);
        }
    }

    private static String products(Path checkpoint) throws IOException {
        try (Safetensors file = Safetensors.open(checkpoint)) {
            return file.metadata().get("products");
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
