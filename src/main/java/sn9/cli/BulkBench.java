package sn9.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.eval.EvaluationTimeoutException;
import sn9.eval.Evaluator;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.train.TrainConfig;
import sn9.train.Trainer;

/** A validator's bulk of work: many models of one shape over the same batches. */
final class BulkBench {
    private static final Duration NO_LIMIT = Duration.ofDays(1);

    /**
     * What the same forward passes took.
     *
     * @param loading with each model opened, checked, loaded and closed; the files are in the page cache
     * @param resident with one model's weights, which stay in place
     */
    record Seconds(double loading, double resident) {}

    private BulkBench() {}

    /**
     * Writes copies of a random model to a temporary folder, which goes again, and evaluates them.
     *
     * @throws IllegalStateException when a copy's losses differ from the first one's by a bit
     */
    static Seconds measure(Engine engine, Gpt2Config config, int models, List<Batch> batches) throws IOException {
        Path folder = Files.createTempDirectory("sn9-bulk");
        try (var evaluator = new Evaluator(engine)) {
            Path first = folder.resolve("0");
            try (Trainer trainer = Trainer.fresh(engine, config, TrainConfig.defaults(), 1, 1)) {
                trainer.saveModel(first, ElementType.F32);
            }
            for (int i = 1; i < models; i++) {
                copy(first, folder.resolve("" + i));
            }
            try (ModelDirectory model = ModelDirectory.open(first)) {
                double[] expected = evaluator.losses(model, batches, NO_LIMIT);
                long start = System.nanoTime();
                for (int i = 0; i < models; i++) {
                    expectSame(expected, evaluator.losses(model, batches, NO_LIMIT));
                }
                double resident = (System.nanoTime() - start) / 1e9;
                start = System.nanoTime();
                evaluateAll(evaluator, folder, models, batches, expected);
                return new Seconds((System.nanoTime() - start) / 1e9, resident);
            }
        } catch (EvaluationTimeoutException e) {
            throw new IllegalStateException(e);
        } finally {
            delete(folder);
        }
    }

    /** Each model is opened while the one before it is evaluated, as the validator does. */
    private static void evaluateAll(
            Evaluator evaluator, Path folder, int models, List<Batch> batches, double[] expected)
            throws IOException, EvaluationTimeoutException {
        ModelDirectory model = ModelDirectory.open(folder.resolve("0"));
        for (int i = 0; i < models; i++) {
            ModelDirectory next = i + 1 < models ? ModelDirectory.open(folder.resolve("" + (i + 1))) : null;
            evaluator.announce(next);
            expectSame(expected, evaluator.losses(model, batches, NO_LIMIT));
            model.close();
            model = next;
        }
    }

    private static void expectSame(double[] expected, double[] losses) {
        if (!Arrays.equals(expected, losses)) {
            throw new IllegalStateException("losses of the same model differ: " + Arrays.toString(expected) + " and "
                    + Arrays.toString(losses));
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectory(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
