package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.engine.Card;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.engine.MemoryUse;
import sn9.eval.Evaluator;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.testing.HostBuild;
import sn9.testing.TinyModel;
import sn9.train.TrainConfig;
import sn9.train.Trainer;

/** A plan is what the program allocates: the same bytes as on the CUDA library, played by its host build. */
class MemoryPlanTest {
    private static final Gpt2Config SHAPE = new Gpt2Config(97, 32, 40, 2, 2, 1e-5f);
    private static final int B = 3;
    private static final int T = 16;

    private static final Map<Card, String> PROFILES =
            Map.of(Card.H100, "sm_90", Card.A100, "sm_80", Card.RTX_4090, "sm_89");

    @TempDir
    private Path folder;

    private static Map<String, Long> sums(List<MemoryUse> uses) {
        return uses.stream().collect(Collectors.groupingBy(MemoryUse::label, Collectors.summingLong(MemoryUse::bytes)));
    }

    private static Batch batch() {
        return Batch.shifted(
                B, T, new SplittableRandom(1).ints(B * T, 0, SHAPE.vocabSize()).toArray());
    }

    private static HostBuild playing(Card card) {
        assumeTrue(Files.exists(HostBuild.LIBRARY), HostBuild.LIBRARY + " was not built");
        return HostBuild.with("profile", PROFILES.get(card));
    }

    private static long workspace(Engine engine, int[] s, boolean training) {
        engine.reserve(s[0], s[1], s[2], s[3], s[4], s[5], s[6], training);
        return engine.memory().getLast().bytes();
    }

    @ParameterizedTest
    @EnumSource
    void workspacesOfManyShapesAreTheLibrarys(Card card) {
        var random = new SplittableRandom(4);
        for (int round = 0; round < 24; round++) {
            boolean training = round % 2 == 0;
            ElementType type = round % 4 < 2 ? ElementType.F32 : ElementType.BF16;
            int C = 64 * random.nextInt(1, 13);
            int NH = random.nextInt(1, 5);
            int[] shape = {
                random.nextInt(1, 9),
                random.nextInt(1, 600),
                C,
                NH,
                16 * random.nextInt(1, 6),
                4 * C,
                128 * random.nextInt(1, 60)
            };
            try (var _ = playing(card);
                    Engine real = Engines.open("cudahost", 0, type);
                    Engine plan = Engines.openPlan(card, type)) {
                assertThat(workspace(plan, shape, training))
                        .as("round %d", round)
                        .isEqualTo(workspace(real, shape, training));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"H100, F32", "H100, BF16", "A100, BF16", "RTX_4090, F32"})
    void trainingAllocatesWhatWasPlanned(Card card, ElementType type) {
        TrainConfig settings = TrainConfig.reference(); // with dropout
        try (var _ = playing(card);
                Engine real = Engines.open("cudahost", 0, type);
                Engine plan = Engines.openPlan(card, type);
                var trainer = Trainer.fresh(real, SHAPE, settings, B, T);
                var planned = Trainer.planned(plan, SHAPE, settings, B, T)) {
            trainer.train(batch());
            assertThat(sums(plan.memory())).isEqualTo(sums(real.memory()));
            assertThat(planned.step()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"H100, F32", "H100, BF16", "A100, F32", "RTX_4090, F32"})
    void evaluationAllocatesWhatWasPlanned(Card card, ElementType type) throws Exception {
        var batches = List.of(batch());
        try (var _ = playing(card);
                ModelDirectory first = ModelDirectory.open(TinyModel.write(folder.resolve("a"), SHAPE, 1, 0.5));
                ModelDirectory second = ModelDirectory.open(TinyModel.write(folder.resolve("b"), SHAPE, 2, 0.5));
                Engine real = Engines.open("cudahost", 0, type);
                Engine plan = Engines.openPlan(card, type);
                var evaluator = new Evaluator(real);
                var planned = new Evaluator(plan)) {
            evaluator.announce(second);
            evaluator.losses(first, batches, Duration.ofMinutes(10));
            planned.reserve(SHAPE, batches);
            assertThat(sums(plan.memory())).isEqualTo(sums(real.memory()));
        }
    }

    /** What the library itself takes, and only for training in bf16 on the cards that the table has. */
    @ParameterizedTest
    @CsvSource({"H100, BF16, true, 33554432", "H100, BF16, false,", "H100, F32, true,", "A100, BF16, true,"})
    void cublasltIsPlannedWhereItMultiplies(Card card, ElementType type, boolean training, Long bytes) {
        assertThat(new MemoryPlan(SHAPE, T, card, training, type).bytes(B).get("cuBLASLt"))
                .isEqualTo(bytes);
    }

    @Test
    void theLargestBatchFitsAndTheNextDoesNot() {
        for (boolean training : new boolean[] {true, false}) {
            var plan = new MemoryPlan(SHAPE, T, Card.A100, training, ElementType.F32);
            long memory = MemoryPlan.DRIVER_BYTES + (20 << 20);
            int largest = plan.largestBatch(memory);
            assertThat(largest).isGreaterThan(8);
            assertThat(MemoryPlan.total(plan.bytes(largest))).isLessThanOrEqualTo(20 << 20);
            assertThat(MemoryPlan.total(plan.bytes(largest + 1))).isGreaterThan(20 << 20);
            assertThat(plan.largestBatch(MemoryPlan.DRIVER_BYTES)).isZero();
        }
    }

    @Test
    void printsThePlanAndAnObject() throws Exception {
        String[] shape = {"--n_layer", "1", "--n_head", "2", "--n_embd", "64", "--vocab_size", "128", "--sl", "64"};
        var arguments = new ArrayList<>(List.of("bench", "--plan", "--card", "4090", "--memory", "1.25"));
        arguments.addAll(List.of(shape));
        var text = CommandLineRun.of(arguments.toArray(String[]::new));
        assertThat(text.exitCode()).isZero();
        assertThat(text.out()).contains("on 4090 of 1.3 GiB", "activations: qkv", "workspace", "largest batch");
        arguments.add("--json");
        JsonNode answer = new ObjectMapper()
                .readTree(CommandLineRun.of(arguments.toArray(String[]::new)).out());
        assertThat(answer.get("memory_bytes").asLong()).isEqualTo(5L << 28);
        assertThat(answer.get("plans")).hasSize(4);
        for (JsonNode plan : answer.get("plans")) {
            long sum = 0;
            for (JsonNode part : plan.get("parts")) {
                sum += part.asLong();
            }
            assertThat(plan.get("bytes").asLong()).isEqualTo(sum);
            assertThat(plan.get("largest_batch").asInt()).isPositive();
        }
    }

    @Test
    void anUnknownCardIsNamedWithTheKnownOnes() {
        var run = CommandLineRun.of("bench", "--plan", "--card", "h200");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("h200", "h100, a100, 4090");
        assertThat(CommandLineRun.of("bench").err()).contains("a command is missing");
    }
}
