package sn9.dashboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.MalformedDataException;
import sn9.subnet.Commitment;
import sn9.validator.Evaluation;
import sn9.validator.StepRecord;
import sn9.validator.TrackedModel;
import sn9.validator.ValidatorState;

/** Against databases that the validator itself has written, so that neither side can change its tables alone. */
class LeaderboardTest {
    private static final Commitment GOOD = new Commitment("alice:gpt2:c:h", 10);
    private static final Commitment BETTER = new Commitment("bob:gpt2:c:h", 12);
    private static final Commitment SLOW = new Commitment("carol:gpt2:c:h", 13);
    private static final Commitment LYING = new Commitment("dave:gpt2:c:h", 14);

    @TempDir
    Path dir;

    @Test
    void theLatestStepIsShownBestFirstWhileTheValidatorRuns() throws Exception {
        Path file = dir.resolve("validator.db");
        try (var state = ValidatorState.open(file, 9)) {
            var before = Leaderboard.read(file);
            assertThat(before.step()).isEqualTo(-1);
            assertThat(before.rows()).isEmpty();

            state.track(TrackedModel.accepted("alice", GOOD));
            state.track(TrackedModel.accepted("bob", BETTER));
            state.track(TrackedModel.accepted("carol", SLOW));
            state.track(TrackedModel.rejected("dave", LYING, "content hash differs"));
            state.save(step(0, 3.5, 2.5));
            state.save(step(1, 3.0, 2.0));

            var board = Leaderboard.read(file);
            assertThat(board.step()).isEqualTo(1);
            assertThat(board.block()).isEqualTo(101);
            assertThat(board.batches()).isEqualTo(2);
            assertThat(board.rows())
                    .containsExactly(
                            new Leaderboard.Row(1, "bob", BETTER.text(), 12, 2.0, 4, 1.0, 0.75),
                            new Leaderboard.Row(0, "alice", GOOD.text(), 10, 3.0, 1, 0.25, 0.25));
            assertThat(board.refused())
                    .containsExactly(
                            new Leaderboard.Refused("carol", SLOW.text(), "the evaluation took longer than PT1M"),
                            new Leaderboard.Refused("dave", LYING.text(), "content hash differs"));
        }
    }

    @Test
    void onlyAValidatorsDatabaseIsRead() throws Exception {
        assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> Leaderboard.read(dir.resolve("none.db")));

        Path text =
                Files.writeString(dir.resolve("text.db"), "no database at all, but long enough to be one".repeat(50));
        assertThatExceptionOfType(MalformedDataException.class)
                .isThrownBy(() -> Leaderboard.read(text))
                .withMessageContaining("text.db");

        Path foreign = dir.resolve("foreign.db");
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + foreign);
                var statement = connection.createStatement()) {
            statement.execute("CREATE TABLE steps (step)");
        }
        assertThatExceptionOfType(MalformedDataException.class)
                .isThrownBy(() -> Leaderboard.read(foreign))
                .withMessageContaining("expected a validator's database (application id");
    }

    @Test
    void aCommitmentIsShownAsItsRepository() {
        assertThat(Leaderboard.repository("alice:gpt2:commit:hash")).isEqualTo("alice/gpt2");
        assertThat(Leaderboard.repository("nonsense")).isEqualTo("nonsense");
    }

    private static StepRecord step(long number, double alice, double bob) {
        return new StepRecord(
                number,
                100 + number,
                Instant.EPOCH,
                List.of(1L),
                2,
                List.of(
                        evaluation(0, "alice", GOOD, alice, Optional.empty(), 1, 0.25),
                        evaluation(1, "bob", BETTER, bob, Optional.empty(), 4, 0.75),
                        evaluation(
                                2,
                                "carol",
                                SLOW,
                                Double.POSITIVE_INFINITY,
                                Optional.of("the evaluation took longer than PT1M"),
                                0,
                                0)),
                Map.of("alice", 0.25f, "bob", 0.75f),
                new TreeMap<>(Map.of(0, 0.25f, 1, 0.75f)),
                List.of("bob", "alice"),
                new TreeMap<>(Map.of(2, "the evaluation took longer than PT1M", 3, "content hash differs")),
                Map.of("evaluate", 1.0));
    }

    private static Evaluation evaluation(
            int uid,
            String hotkey,
            Commitment commitment,
            double loss,
            Optional<String> failure,
            int wins,
            double weight) {
        return new Evaluation(
                uid, hotkey, commitment, new double[] {loss, loss}, failure, wins, wins / 4.0, (float) weight, (float)
                        weight);
    }
}
