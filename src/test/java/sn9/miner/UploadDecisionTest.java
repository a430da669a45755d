package sn9.miner;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalDouble;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class UploadDecisionTest {
    private static final double EPSILON = 0.005;
    private static final OptionalDouble NONE = OptionalDouble.empty();

    private static boolean publishes(double loss, OptionalDouble threshold, OptionalDouble committed) {
        return UploadDecision.of(loss, threshold, committed, EPSILON, false).publish();
    }

    @Test
    void firstModelNeedsOnlyTheThreshold() {
        assertThat(publishes(4.0, NONE, NONE)).isTrue();
        assertThat(publishes(3.99, OptionalDouble.of(4.0), NONE)).isTrue();
        assertThat(publishes(4.0, OptionalDouble.of(4.0), NONE))
                .as("strictly below")
                .isFalse();
        assertThat(publishes(4.0, OptionalDouble.of(0), NONE)).as("0 is never").isFalse();
    }

    @Test
    void aSuccessorMustOutweighTheSeniorityItGivesUp() {
        var committed = OptionalDouble.of(4.0);
        assertThat(publishes(3.979, NONE, committed)).isTrue();
        assertThat(publishes(3.981, NONE, committed)).isFalse();
        assertThat(publishes(4.0, NONE, committed)).isFalse();
        assertThat(UploadDecision.of(4.5, NONE, committed, EPSILON, true).publish())
                .as("forced")
                .isTrue();
        assertThat(UploadDecision.of(3.99, NONE, committed, EPSILON, false).reason())
                .isEqualTo("held-out loss 3.9900 does not gain more than 0.0200 (epsilon times loss) on the committed"
                        + " model's 4.0000, and a new commitment would lose its seniority");
    }

    @Test
    void aDivergedModelIsNeverPublished() {
        assertThat(UploadDecision.of(Double.NaN, NONE, NONE, EPSILON, true).publish())
                .isFalse();
        assertThat(publishes(Double.POSITIVE_INFINITY, NONE, NONE)).isFalse();
    }

    /** What is published beats the old model under the network's own pairwise rule, as the later of the two. */
    @Property(tries = 300, seed = "9")
    void whatIsPublishedWinsAgainstItsPredecessor(
            @ForAll @DoubleRange(min = 1, max = 12) double committed,
            @ForAll @DoubleRange(min = 1, max = 12) double loss) {
        double margin = (1 - EPSILON) * committed - loss;
        if (Math.abs(margin) > 1e-9) {
            assertThat(publishes(loss, NONE, OptionalDouble.of(committed))).isEqualTo(margin > 0);
        }
    }
}
