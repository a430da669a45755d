package sn9.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.eval.Generator.Sampling;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.train.TrainConfig;
import sn9.train.Trainer;

class GeneratorTest {
    /** A model that has learned to count must count. */
    @Test
    void aTrainedModelContinuesItsLanguage(@TempDir Path folder) throws Exception {
        var config = new Gpt2Config(13, 32, 32, 1, 2, 1e-5f);
        var d = TrainConfig.defaults();
        var settings = new TrainConfig(
                1e-2, TrainConfig.Schedule.CONSTANT, 0, 1, d.beta1(), d.beta2(), d.epsilon(), 0, false, 1, 1, 0, 3);
        try (Engine engine = Engines.open("cpu", 1)) {
            try (var trainer = Trainer.fresh(engine, config, settings, 4, 16)) {
                for (int step = 0; step < 120; step++) {
                    var tokens = new int[64];
                    for (int i = 0; i < 64; i++) {
                        tokens[i] = (i + step * 5 + i / 16) % 12;
                    }
                    trainer.train(Batch.shifted(4, 16, tokens));
                }
                trainer.saveModel(folder.resolve("m"), ElementType.F32);
            }
            try (ModelDirectory model = ModelDirectory.open(folder.resolve("m"))) {
                int[] said = Generator.generate(
                        engine, model, new int[] {3, 4, 5}, 9, new Sampling(0, 0, 13, 12), new SplittableRandom(0));
                assertThat(said).containsExactly(3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2);
                var sampling = new Sampling(1.5, 5, 13, 12);
                int[] once = Generator.generate(engine, model, new int[] {1}, 50, sampling, new SplittableRandom(7));
                int[] again = Generator.generate(engine, model, new int[] {1}, 50, sampling, new SplittableRandom(7));
                assertThat(once).isEqualTo(again).hasSizeGreaterThan(32); // beyond the positions: the window slides
            }
        }
    }

    @Test
    void choosesOnlyAmongTheLikeliestAndNeverOutsideTheVocabulary() {
        float[] logits = {0, 5, 4, 3, 100};
        var random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            assertThat(Generator.choose(logits, new Sampling(2, 2, 4, 3), random))
                    .isIn(1, 2);
        }
        assertThat(Generator.choose(logits, new Sampling(0, 0, 4, 3), random)).isEqualTo(1);
    }
}
