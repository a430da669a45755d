package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** The vectors of spec A.6 and B.6. */
class ScoresTest {
    private static final double INF = Double.POSITIVE_INFINITY;
    private static final double NAN = Double.NaN;
    private static final Offset<Float> EXACT = Offset.offset(1e-6f);

    private static final double[][] B = {
        {3.500, 3.400, 3.600, 3.300}, {3.490, 3.370, 3.585, 3.310}, {3.480, 3.390, 3.550, 3.280}
    };
    private static final long[] B_BLOCKS = {1000, 1100, 1200};

    private static final double[][] A = {
        {4.00, 4.10, 4.20, 3.90, 4.00}, {3.92, 3.95, 4.10, 3.85, 4.00}, {3.84, 3.99, 4.05, 3.70, 4.00}
    };
    private static final long[] A_STAMPS = {1699900000, 1699900100, 1699900200};

    @Test
    void pairwiseWinsAndWeightsOfB() {
        StepScores scores = Scores.step(B, B_BLOCKS, RuleSet.B0);
        assertThat(scores.wins()).containsExactly(4, 3, 5);
        assertThat(scores.winRates()).containsExactly(0.5, 0.375, 0.625);
        assertThat(scores.weights()).containsExactly(new float[] {0.042010043f, 0.001845792f, 0.956144165f}, EXACT);
        assertThat(scores.failed()).containsExactly(false, false, false);
    }

    @Test
    void eachBatchOfBHasItsPublishedWinners() {
        int[][] perBatch = {{1, 1, 1}, {1, 2, 0}, {1, 0, 2}, {1, 0, 2}};
        for (int b = 0; b < 4; b++) {
            double[][] one = {{B[0][b]}, {B[1][b]}, {B[2][b]}};
            assertThat(Wins.count(one, B_BLOCKS, RuleSet.B2)).as("batch " + b).containsExactly(perBatch[b]);
        }
    }

    @Test
    void epsilonAndTemperatureChangeTheRanking() {
        double[] rates = {0.5, 0.375, 0.625};
        assertThat(Scores.softmax(rates, 0.25))
                .containsExactly(new float[] {0.307195886f, 0.186323723f, 0.506480391f}, EXACT);
        float[] cold = Scores.softmax(rates, 0.01);
        assertThat(cold).containsExactly(new float[] {3.727e-06f, 1.4e-11f, 0.999996273f}, EXACT);
        assertThat(cold[0]).isCloseTo(3.727e-06f, Offset.offset(1e-9f));
        assertThat(cold[1]).isCloseTo(1.4e-11f, Offset.offset(1e-12f));

        StepScores wide = Scores.step(B, B_BLOCKS, withEpsilon(0.01));
        assertThat(wide.winRates()).containsExactly(0.875, 0.5, 0.125);
        assertThat(wide.weights()).containsExactly(new float[] {0.999915182f, 0.000084811f, 7.2e-09f}, EXACT);
        assertThat(wide.weights()[2]).isCloseTo(7.2e-09f, Offset.offset(1e-10f));
        assertThat(Scores.step(B, B_BLOCKS, withEpsilon(0)).winRates()).containsExactly(0.125, 0.5, 0.875);
    }

    @Test
    void movingAverageAndChainFormOfB() {
        float[] step = Scores.scatter(
                new int[] {11, 22, 33}, Scores.step(B, B_BLOCKS, RuleSet.B0).weights(), 40);
        float[][] slow = {
            {0.004201004f, 0.000184579f, 0.095614416f},
            {0.007981908f, 0.000350701f, 0.181667391f},
            {0.011384722f, 0.000500210f, 0.259115069f}
        };
        float[][] fast = {{0.021005021f, 0.000922896f, 0.478072082f}, {0.031507532f, 0.001384344f, 0.717108124f}};
        checkAverages(step, RuleSet.B1.alpha(), slow);
        checkAverages(step, RuleSet.B2.alpha(), fast);
    }

    @Test
    void edgesOfThePairwiseRule() {
        assertThat(Wins.count(new double[][] {{3}, {3}}, new long[] {10, 20}, RuleSet.B2))
                .containsExactly(1, 0);
        assertThat(Wins.count(new double[][] {{3}, {3}}, new long[] {10, 10}, RuleSet.B2))
                .containsExactly(0, 0);
        assertThat(Wins.count(new double[][] {{3}, {2.985}}, new long[] {10, 20}, RuleSet.B2))
                .containsExactly(0, 0);
        assertThat(Wins.count(new double[][] {{3}, {2.98499}}, new long[] {10, 20}, RuleSet.B2))
                .containsExactly(0, 1);
        StepScores alone = Scores.step(new double[][] {{3, 4}}, new long[] {10}, RuleSet.B2);
        assertThat(alone.wins()).containsExactly(0);
        assertThat(alone.winRates()).containsExactly(0);
        assertThat(alone.weights()).containsExactly(1);
        assertThat(Scores.step(new double[0][], new long[0], RuleSet.B2).weights())
                .isEmpty();
    }

    @Test
    void brokenModelsAsTheReferenceScoresThem() {
        double[][] allFailed = {{INF, INF}, {INF, INF}, {INF, INF}};
        StepScores failed = Scores.step(allFailed, new long[] {1, 2, 3}, RuleSet.B2.faithful());
        assertThat(failed.winRates()).containsExactly(0, 0, 0);
        assertThat(failed.weights()).containsExactly(new float[] {1f / 3, 1f / 3, 1f / 3}, EXACT);

        double[][] halfBroken = {{3, INF}, {3, INF}, {NAN, 3.5}};
        StepScores half = Scores.step(halfBroken, new long[] {10, 10, 20}, RuleSet.B2.faithful());
        assertThat(half.wins()).containsExactly(0, 0, 2);
        assertThat(half.winRates()).containsExactly(0, 0, 0.5);
        assertThat(half.weights()[2]).isCloseTo(0.99999f, Offset.offset(1e-5f));
        assertThat(half.failed()).containsExactly(true, true, true);
    }

    @Test
    void brokenModelsGetNothingByDefault() {
        double[][] losses = {{3.1, 3.1}, {NAN, 2.0}, {3.0, 3.0}, {INF, INF}};
        StepScores scores = Scores.step(losses, new long[] {4, 3, 2, 1}, RuleSet.B2);
        assertThat(scores.failed()).containsExactly(false, true, false, true);
        assertThat(scores.wins()).containsExactly(4, 0, 6, 0);
        assertThat(scores.weights()[1]).isZero();
        assertThat(scores.weights()[3]).isZero();
        assertThat(scores.weights()[0] + scores.weights()[2]).isCloseTo(1, EXACT);
        for (RuleSet rules : RuleSet.all()) {
            StepScores none = Scores.step(new double[][] {{INF}, {NAN}}, new long[] {1, 2}, rules);
            assertThat(none.weights()).as(rules.name()).containsExactly(0, 0);
            assertThat(none.wins()).as(rules.name()).containsExactly(0, 0);
        }
    }

    @Test
    void winsAndWeightsOfA1() {
        StepScores scores = Scores.step(A, A_STAMPS, RuleSet.A1);
        assertThat(scores.wins()).containsExactly(1, 1, 1);
        assertThat(scores.winRates()).containsExactly(0.2, 0.2, 0.2);
        assertThat(scores.weights()).containsExactly(new float[] {1f / 3, 1f / 3, 1f / 3}, EXACT);
        int[][] perBatch = {{0, 0, 0}, {0, 1, 0}, {0, 0, 0}, {0, 0, 1}, {1, 0, 0}};
        checkBatchesOfA(RuleSet.A1, Wins.NO_BEST, perBatch);
    }

    @Test
    void extrasOfA1() {
        long[] stamps = {1, 2, 2};
        RuleSet faithful = RuleSet.A1.faithful();
        assertThat(Wins.count(new double[][] {{4.2}, {4.0}, {4.0}}, stamps, RuleSet.A1))
                .containsExactly(0, 1, 1);
        assertThat(Wins.count(new double[][] {{INF}, {INF}, {INF}}, stamps, faithful))
                .containsExactly(1, 1, 1);
        assertThat(Wins.count(new double[][] {{NAN}, {4.0}, {4.1}}, stamps, faithful))
                .containsExactly(1, 1, 0);
        assertThat(Wins.count(new double[][] {{NAN}, {4.0}, {4.1}}, stamps, RuleSet.A1))
                .containsExactly(0, 1, 0);
    }

    @Test
    void winsAndWeightsOfA0() {
        StepScores without = Scores.step(A, A_STAMPS, RuleSet.A0);
        assertThat(without.wins()).containsExactly(1, 1, 3);
        assertThat(without.weights()).containsExactly(new float[] {0.4f, 0.4f, 0.8f}, EXACT);
        checkBatchesOfA(RuleSet.A0, Wins.NO_BEST, new int[][] {{0, 0, 1}, {0, 1, 0}, {0, 0, 1}, {0, 0, 1}, {1, 0, 0}});

        StepScores with = Scores.step(A, A_STAMPS, RuleSet.A0, 0);
        assertThat(with.wins()).containsExactly(4, 1, 3);
        assertThat(with.weights()).containsExactly(new float[] {0.625f, 0.25f, 0.5f}, EXACT);
        checkBatchesOfA(RuleSet.A0, 0, new int[][] {{1, 0, 1}, {1, 1, 0}, {1, 0, 1}, {0, 0, 1}, {1, 0, 0}});
    }

    @Test
    void theBestSoFarOfA0ChangesByAMargin() {
        double margin = RuleSet.A0.scoring().bestEpsilon();
        GlobalBest first = GlobalBest.NONE.after(new int[] {5, 6, 7}, new double[] {4.0, 3.9, 3.7}, margin);
        assertThat(first).isEqualTo(new GlobalBest(7, 3.7)); // 5 from nothing, not 6 (3.9 > 3.88), then 7
        assertThat(first.after(new int[] {5, 6}, new double[] {3.6, 3.589}, margin))
                .isEqualTo(first);
        assertThat(first.after(new int[] {5, 6}, new double[] {3.6, 3.588}, margin))
                .isEqualTo(new GlobalBest(6, 3.588));
        assertThat(GlobalBest.NONE.after(new int[] {5}, new double[] {NAN}, margin))
                .isEqualTo(GlobalBest.NONE);
    }

    @Test
    void scatterPutsWeightsAtTheirUids() {
        assertThat(Scores.scatter(new int[] {3, 1}, new float[] {0.5f, 1.5f}, 5))
                .containsExactly(0, 0.75f, 0, 0.25f, 0);
        assertThat(Scores.scatter(new int[] {1}, new float[] {0}, 2)).containsExactly(0, 0);
    }

    @Test
    void movingAverageTurnsNanIntoZeroAndChecksSizes() {
        assertThat(Scores.movingAverage(new float[] {Float.NaN, 1}, new float[] {0, 0}, 0.5))
                .containsExactly(0, 0.5f);
        assertThatThrownBy(() -> Scores.movingAverage(new float[2], new float[3], 0.5))
                .hasMessageContaining("2 uids")
                .hasMessageContaining("3");
    }

    @Test
    void aReownedSlotStartsAgainAtZero() {
        float[] weights = {0.1f, 0.2f, 0.3f};
        List<String> before = List.of("a", "b", "c");
        assertThat(Scores.reowned(weights, before, List.of("a", "x", "c", "d"))).containsExactly(0.1f, 0, 0.3f, 0);
        assertThat(Scores.reowned(weights, before, List.of("a"))).containsExactly(0.1f);
        assertThatThrownBy(() -> Scores.reowned(weights, List.of("a"), before)).hasMessageContaining("1 hotkeys");
    }

    @Test
    void keepsTheBestInStableOrder() {
        assertThat(Scores.keep(new double[] {0.1, 0.5, 0.1, 0.9, 0.5}, 4)).containsExactly(3, 1, 4, 0);
        assertThat(Scores.keep(new double[] {0.1}, Integer.MAX_VALUE)).containsExactly(0);
    }

    @Test
    void refusesLossesThatDoNotMatch() {
        assertThatThrownBy(() -> Wins.count(new double[][] {{1}, {1, 2}}, new long[2], RuleSet.B2))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Wins.count(new double[][] {{1}}, new long[2], RuleSet.B2))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Scores.softmax(new double[] {1}, 0)).hasMessageContaining("temperature");
    }

    private static void checkAverages(float[] step, double alpha, float[][] expected) {
        float[] weights = new float[step.length];
        for (float[] row : expected) {
            weights = Scores.movingAverage(weights, step, alpha);
            assertThat(new float[] {weights[11], weights[22], weights[33]}).containsExactly(row, EXACT);
            WeightVector vector = WeightVector.of(weights);
            assertThat(vector.uids()).containsExactly(11, 22, 33);
            assertThat(vector.values()).containsExactly(2879, 127, 65535);
        }
    }

    private static void checkBatchesOfA(RuleSet rules, int best, int[][] expected) {
        for (int b = 0; b < expected.length; b++) {
            double[][] one = {{A[0][b]}, {A[1][b]}, {A[2][b]}};
            assertThat(Wins.count(one, A_STAMPS, rules, best)).as("batch " + b).containsExactly(expected[b]);
        }
    }

    private static RuleSet withEpsilon(double epsilon) {
        RuleSet.Scoring b = RuleSet.B0.scoring();
        RuleSet.Scoring changed =
                new RuleSet.Scoring(b.winRule(), epsilon, 0, b.weightRule(), b.temperature(), b.alpha());
        return new RuleSet(
                "B0",
                changed,
                RuleSet.B0.sampling(),
                RuleSet.B0.limits(),
                RuleSet.B0.fetchList(),
                HashForm.PLAIN,
                2002,
                false);
    }
}
