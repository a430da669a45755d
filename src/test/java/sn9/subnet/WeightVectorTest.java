package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class WeightVectorTest {
    @Test
    void theLargestBecomesTheLargestU16() {
        WeightVector vector = WeightVector.of(new float[] {0, 0.2f, 0.1f, 0, 0.2f});
        assertThat(vector.uids()).containsExactly(1, 2, 4);
        assertThat(vector.values()).containsExactly(65535, 32768, 65535); // 32767.5 rounds to even
    }

    @Test
    void roundsHalfToEven() {
        // Exact halves: 65,535 * k / 2 for k / 2 of the largest.
        assertThat(WeightVector.of(new float[] {2, 1}).values()).containsExactly(65535, 32768);
        assertThat(WeightVector.of(new float[] {6, 1, 3, 5}).values()).containsExactly(65535, 10922, 32768, 54612);
    }

    @Test
    void dropsWhatRoundsToZero() {
        WeightVector vector = WeightVector.of(new float[] {1, 0.5f / 65535, 1.6f / 65535});
        assertThat(vector.uids()).containsExactly(0, 2);
        assertThat(vector.values()).containsExactly(65535, 2);
    }

    @Test
    void aZeroVectorSubmitsNothing() {
        assertThat(WeightVector.of(new float[3]).isEmpty()).isTrue();
        assertThat(WeightVector.of(new float[0]).isEmpty()).isTrue();
    }

    @Test
    void refusesNegativeAndNonFiniteWeights() {
        for (float bad : new float[] {-1e-9f, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> WeightVector.of(new float[] {0, bad}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("uid 1");
        }
    }
}
