package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.assertj.core.data.Offset;

/** What must hold of any losses, whatever the rule set. */
class ScoringPropertiesTest {
    /** Losses on a coarse grid, so that ties happen, and few blocks, so that equal ones happen. */
    record Step(RuleSet rules, double[][] losses, long[] blocks) {
        @Override
        public String toString() {
            return rules.name() + " " + Arrays.deepToString(losses) + " at " + Arrays.toString(blocks);
        }
    }

    @Provide
    Arbitrary<Step> steps() {
        return Combinators.combine(
                        Arbitraries.of(RuleSet.all()),
                        Arbitraries.integers().between(1, 9),
                        Arbitraries.integers().between(1, 6),
                        Arbitraries.longs())
                .as((rules, models, batches, seed) -> {
                    Random random = new Random(seed);
                    double[][] losses = new double[models][batches];
                    for (double[] row : losses) {
                        Arrays.setAll(row, b -> 3 + random.nextInt(60) / 256.0);
                    }
                    return new Step(rules, losses, random.longs(models, 1, 6).toArray());
                });
    }

    @Property(seed = "9")
    void permutingMinersPermutesWins(@ForAll("steps") Step step, @ForAll Random random) {
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, step.losses.length).boxed().toList());
        Collections.shuffle(order, random);
        double[][] losses = order.stream().map(i -> step.losses[i]).toArray(double[][]::new);
        long[] blocks = order.stream().mapToLong(i -> step.blocks[i]).toArray();
        StepScores straight = Scores.step(step.losses, step.blocks, step.rules);
        StepScores shuffled = Scores.step(losses, blocks, step.rules);
        for (int i = 0; i < order.size(); i++) {
            assertThat(shuffled.wins()[i]).isEqualTo(straight.wins()[order.get(i)]);
            assertThat(shuffled.weights()[i]).isCloseTo(straight.weights()[order.get(i)], Offset.offset(1e-6f));
        }
    }

    /** Powers of two scale a double without rounding, so not even a tie may change. */
    @Property(seed = "9")
    void scalingAllLossesChangesNoWinner(@ForAll("steps") Step step) {
        for (double scale : new double[] {0.25, 2, 1024}) {
            double[][] scaled = Arrays.stream(step.losses)
                    .map(row -> Arrays.stream(row).map(l -> l * scale).toArray())
                    .toArray(double[][]::new);
            assertThat(Wins.count(scaled, step.blocks, step.rules))
                    .isEqualTo(Wins.count(step.losses, step.blocks, step.rules));
        }
    }

    @Property(seed = "9")
    void atEqualLossesTheEarlierBlockWins(@ForAll("steps") Step step) {
        double[][] equal = {step.losses[0], step.losses[0].clone()};
        assertThat(Wins.count(equal, new long[] {10, 20}, step.rules)).containsExactly(equal[0].length, 0);
    }

    @Property(seed = "9")
    void winsOfAPairNeverExceedBatches(@ForAll("steps") Step step) {
        int batches = step.losses[0].length;
        int models = step.losses.length;
        for (int i = 0; i < models; i++) {
            for (int j = 0; j < i && step.rules.winRule() == WinRule.PAIRWISE; j++) {
                int[] pair = Wins.count(
                        new double[][] {step.losses[i], step.losses[j]},
                        new long[] {step.blocks[i], step.blocks[j]},
                        step.rules);
                assertThat(pair[0] + pair[1]).isLessThanOrEqualTo(batches);
            }
        }
        assertThat(Arrays.stream(Wins.rates(Wins.count(step.losses, step.blocks, step.rules), batches, step.rules)))
                .allMatch(rate -> rate >= 0 && rate <= 1);
    }

    @Property(seed = "9")
    void weightsSumToOne(@ForAll("steps") Step step) {
        float[] weights = Scores.step(step.losses, step.blocks, step.rules).weights();
        int[] uids = IntStream.range(0, weights.length).toArray();
        assertThat(sum(Scores.scatter(uids, weights, weights.length + 3))).isCloseTo(1, Offset.offset(1e-5));
        if (step.rules.winRule() != WinRule.GLOBAL_BEST) {
            assertThat(sum(weights)).isCloseTo(1, Offset.offset(1e-5));
        }
    }

    @Property(seed = "9")
    void theChainFormKeepsTheOrderAndItsLargestIsFull(@ForAll("steps") Step step) {
        float[] weights = Scores.step(step.losses, step.blocks, step.rules).weights();
        WeightVector vector = WeightVector.of(weights);
        assertThat(Arrays.stream(vector.values()).max()).hasValue(WeightVector.MAX);
        for (int i = 1; i < vector.uids().length; i++) {
            int order = Float.compare(weights[vector.uids()[i]], weights[vector.uids()[i - 1]]);
            assertThat(Integer.signum(Integer.compare(vector.values()[i], vector.values()[i - 1])) * order)
                    .isNotNegative();
        }
    }

    private static double sum(float[] weights) {
        double sum = 0;
        for (float weight : weights) {
            sum += weight;
        }
        return sum;
    }
}
