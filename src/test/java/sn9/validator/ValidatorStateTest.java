package sn9.validator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.MalformedDataException;
import sn9.subnet.Commitment;

class ValidatorStateTest {
    @TempDir
    Path dir;

    Path file;

    @BeforeEach
    void nameFile() {
        file = dir.resolve("validator.db");
    }

    @Test
    void remembersStepsOverARestart() throws IOException {
        try (var state = ValidatorState.open(file, 9)) {
            assertThat(state.nextStep()).isZero();
            state.save(StepFixture.step(0));
            state.save(StepFixture.step(1));
        }
        try (var state = ValidatorState.open(file, 9)) {
            assertThat(state.nextStep()).isEqualTo(2);
            assertThat(state.evaluations(1))
                    .usingRecursiveComparison()
                    .isEqualTo(StepFixture.step(1).evaluations());
            assertThat(state.averages()).isEqualTo(StepFixture.step(1).averages());
            assertThat(state.carried()).isEqualTo(StepFixture.step(1).carried());
            assertThat(state.pages(0)).containsExactly(0L, 7L);
        }
    }

    @Test
    void keepsLossesThatAreNotNumbers() throws IOException {
        var losses = new double[] {3.5, Double.POSITIVE_INFINITY, Double.NaN};
        var evaluation = new Evaluation(
                1, "hotkey-1", StepFixture.commitment(1), losses, Optional.of("broken"), 0, 0, 0.25f, 0.125f);
        var step = new StepRecord(
                0,
                5,
                Instant.EPOCH,
                List.of(1L),
                3,
                List.of(evaluation),
                Map.of(),
                new TreeMap<>(),
                List.of(),
                new TreeMap<>(),
                Map.of());
        try (var state = ValidatorState.open(file, 9)) {
            state.save(step);
            assertThat(state.evaluations(0).getFirst().losses()).isEqualTo(losses);
            assertThat(state.evaluations(0).getFirst().failure()).contains("broken");
        }
    }

    @Test
    void aStepThatCannotBeSavedWholeLeavesNothing() throws IOException {
        var good = StepFixture.step(1);
        var twice = new StepRecord(
                1,
                good.block(),
                good.started(),
                good.pages(),
                good.batches(),
                List.of(good.evaluations().getFirst(), good.evaluations().getFirst()),
                Map.of("hotkey-5", 0.5f),
                good.weights(),
                List.of("hotkey-5"),
                good.failed(),
                good.seconds());
        try (var state = ValidatorState.open(file, 9)) {
            state.save(StepFixture.step(0));
            assertThatThrownBy(() -> state.save(twice))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("step 1");
            assertThat(state.nextStep()).isEqualTo(1);
            assertThat(state.averages()).isEqualTo(StepFixture.step(0).averages());
            assertThat(state.pages(1)).isEmpty();
            state.save(good);
        }
    }

    @Test
    void anEvaluatedModelNoLongerWaitsUnlessItChangedMeanwhile() throws IOException {
        try (var state = ValidatorState.open(file, 9)) {
            for (int i = 0; i < 2; i++) {
                state.track(TrackedModel.accepted(StepFixture.hotkey(i), StepFixture.commitment(i)));
            }
            state.track(TrackedModel.accepted(StepFixture.hotkey(1), new Commitment("newer", 500)));
            state.save(StepFixture.step(0));
            assertThat(state.tracker().get(StepFixture.hotkey(0)).pending()).isFalse();
            assertThat(state.tracker().get(StepFixture.hotkey(1)).pending()).isTrue();
        }
    }

    @Test
    void forgetsDeregisteredHotkeys() throws IOException {
        try (var state = ValidatorState.open(file, 9)) {
            state.track(TrackedModel.accepted("hotkey-1", StepFixture.commitment(1)));
            state.track(TrackedModel.rejected("hotkey-2", StepFixture.commitment(2), "too large"));
            state.save(StepFixture.step(0));
            state.retain(List.of("hotkey-2", "hotkey-3"));
            assertThat(state.tracker()).containsOnlyKeys("hotkey-2");
            assertThat(state.tracker().get("hotkey-2").reason()).isEqualTo("too large");
            assertThat(state.averages()).containsOnlyKeys("hotkey-2", "hotkey-3");
            assertThat(state.carried()).containsExactly("hotkey-2", "hotkey-3");
        }
    }

    @Test
    void remembersRejectionsByTheLimitsTheyWereJudgedBy() throws IOException {
        var commitment = new Commitment("text", 7);
        var rejected = TrackedModel.rejected("hotkey-1", commitment, "too many parameters");
        var unfit = TrackedModel.unfit("hotkey-1", commitment, "NaN inside");
        try (var state = ValidatorState.open(file, 9)) {
            state.reject(StepFixture.id('1'), "186000000", rejected);
            state.reject(StepFixture.id('2'), "186000000", unfit);
            assertThat(state.rejection(StepFixture.id('1'), "186000000", "hotkey-1", commitment))
                    .contains(rejected);
            assertThat(state.rejection(StepFixture.id('2'), "186000000", "hotkey-1", commitment))
                    .contains(unfit);
            assertThat(state.rejection(StepFixture.id('1'), "772000000", "hotkey-1", commitment))
                    .isEmpty();
            assertThat(state.rejection(StepFixture.id('3'), "186000000", "hotkey-1", commitment))
                    .isEmpty();
        }
    }

    @Test
    void otherRulesForgetEveryVerdictAndNoAverage() throws IOException {
        try (var state = ValidatorState.open(file, 9)) {
            state.judgeBy("B1");
            state.track(TrackedModel.accepted("hotkey-1", StepFixture.commitment(1)));
            state.save(StepFixture.step(0));
            state.judgeBy("B1");
            assertThat(state.tracker()).isNotEmpty();
            state.judgeBy("B2");
            assertThat(state.tracker()).isEmpty();
            assertThat(state.averages()).hasSize(StepFixture.HOTKEYS);
        }
    }

    @Test
    void recordsWeightSubmissions() throws IOException {
        var refused = new WeightSubmission(
                Instant.ofEpochMilli(5),
                3,
                700,
                new int[] {4, 2},
                new int[] {65535, 9},
                OptionalLong.empty(),
                "too soon");
        var taken = new WeightSubmission(
                Instant.ofEpochMilli(6),
                3,
                701,
                new int[] {4},
                new int[] {65535},
                OptionalLong.of(702),
                "in block 702");
        try (var state = ValidatorState.open(file, 9)) {
            assertThat(state.lastWeightsBlock()).isEmpty();
            state.record(refused);
            assertThat(state.lastWeightsBlock()).isEmpty();
            state.record(taken);
            assertThat(state.lastWeightsBlock()).hasValue(702);
            assertThat(state.submissions()).usingRecursiveComparison().isEqualTo(List.of(refused, taken));
        }
    }

    @Test
    void dropsLossesOfVeryOldStepsOnly() throws IOException {
        try (var state = ValidatorState.open(file, 9)) {
            state.save(StepFixture.step(0));
            state.save(StepFixture.step(1));
            state.save(StepFixture.step(ValidatorState.STEPS_WITH_LOSSES));
            assertThat(state.evaluations(0).getFirst().losses()).isEmpty();
            assertThat(state.evaluations(0)).hasSize(StepFixture.HOTKEYS);
            assertThat(state.evaluations(1).getFirst().losses()).hasSize(StepFixture.BATCHES);
        }
    }

    @Test
    void refusesAFileThatIsNoDatabase() throws IOException {
        Files.writeString(file, "this is a text file, and a long enough one");
        refused("header of an SQLite database");
        assertThat(Files.readString(file)).startsWith("this is a text");
    }

    @Test
    void refusesAnotherProgramsDatabaseAndLeavesItAlone() throws Exception {
        alter("CREATE TABLE other (x)");
        byte[] before = Files.readAllBytes(file);
        refused("another program's database");
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    @Test
    void refusesANewerSchema() throws Exception {
        ValidatorState.open(file, 9).close();
        alter("PRAGMA user_version = " + (StateDatabase.SCHEMA_VERSION + 1));
        refused("newer sn9");
    }

    @Test
    void refusesAnotherSubnetsDatabase() throws IOException {
        ValidatorState.open(file, 13).close();
        refused("netuid 13");
    }

    @Test
    void startsAnewOnAnEmptyFile() throws IOException {
        Files.createFile(file);
        try (var state = ValidatorState.open(file, 9)) {
            assertThat(state.nextStep()).isZero();
        }
    }

    @Test
    void corruptBytesEndInOneClearMessage() throws IOException {
        try (var state = ValidatorState.open(file, 9)) {
            for (int step = 0; step < 4; step++) {
                state.save(StepFixture.step(step));
            }
        }
        byte[] whole = Files.readAllBytes(file);
        var random = new Random(9);
        int seen = 0;
        for (int round = 0; round < 60; round++) {
            byte[] bytes = whole.clone();
            int from = random.nextInt(bytes.length);
            for (int i = from; i < Math.min(bytes.length, from + 600); i++) {
                bytes[i] = (byte) random.nextInt();
            }
            Files.write(file, round % 4 == 0 ? Arrays.copyOf(bytes, from) : bytes);
            try (var state = ValidatorState.open(file, 9)) {
                state.nextStep(); // damage in free space or in a value is not visible to SQLite
            } catch (MalformedDataException e) {
                assertThat(e).hasMessageContaining("validator.db");
                seen++;
            }
        }
        assertThat(seen).isGreaterThan(30);
    }

    private void refused(String message) {
        assertThatThrownBy(() -> ValidatorState.open(file, 9).close())
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining(message)
                .hasMessageContaining("--model_dir");
    }

    private void alter(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
