package sn9.subnet;

import java.util.Arrays;

/**
 * Who wins the batches of a step (spec A.6, B.6). Losses are {@code losses[model][batch]} in mean nats; models stand in
 * any order, which the results keep. Earliness is a number per model, smaller is earlier: the block of the commitment,
 * or the time of the upload in generation A.
 */
public final class Wins {
    /** No model is the best so far (rule A0). */
    public static final int NO_BEST = -1;

    private Wins() {}

    /** As {@link #count(double[][], long[], RuleSet, int)} with no best so far. */
    public static int[] count(double[][] losses, long[] earliness, RuleSet rules) {
        return count(losses, earliness, rules, NO_BEST);
    }

    /**
     * Counts each model's wins over all batches.
     *
     * @param best index of the best model so far, or {@link #NO_BEST}; only rule A0 looks at it
     * @throws IllegalArgumentException when models differ in their number of batches, or in number from the earliness
     */
    public static int[] count(double[][] losses, long[] earliness, RuleSet rules, int best) {
        int batches = batches(losses, earliness);
        boolean[] out = rules.referenceFailures() ? new boolean[losses.length] : failed(losses);
        int[] wins = new int[losses.length];
        double[] batch = new double[losses.length];
        for (int b = 0; b < batches; b++) {
            for (int i = 0; i < losses.length; i++) {
                batch[i] = out[i] ? Double.POSITIVE_INFINITY : losses[i][b];
            }
            for (int i = 0; i < losses.length; i++) {
                if (!out[i]) {
                    wins[i] += wins(i, batch, earliness, rules, best);
                }
            }
        }
        return wins;
    }

    /**
     * Wins as a share of what was to be won: the batches in generation A, batches times opponents since.
     *
     * @param batches batches of the step
     */
    public static double[] rates(int[] wins, int batches, RuleSet rules) {
        long matches = rules.winRule() == WinRule.PAIRWISE ? (long) (wins.length - 1) * batches : batches;
        return Arrays.stream(wins)
                .mapToDouble(w -> matches > 0 ? (double) w / matches : 0)
                .toArray();
    }

    /** Which models failed: those with a loss that is NaN or infinite, and those without any loss. */
    public static boolean[] failed(double[][] losses) {
        boolean[] failed = new boolean[losses.length];
        for (int i = 0; i < losses.length; i++) {
            failed[i] = !Arrays.stream(losses[i]).allMatch(Double::isFinite) || losses[i].length == 0;
        }
        return failed;
    }

    /** How often model i wins one batch: 0 or 1 in generation A, up to the number of opponents since. */
    private static int wins(int i, double[] batch, long[] earliness, RuleSet rules, int best) {
        return switch (rules.winRule()) {
            case GLOBAL_BEST -> winsByGlobalBest(i, batch, earliness, rules.epsilon(), best) ? 1 : 0;
            case BEATS_ALL -> winsAgainstAll(i, batch, earliness, rules.epsilon()) ? 1 : 0;
            case PAIRWISE -> matchesWon(i, batch, earliness, rules.epsilon());
        };
    }

    /** Rule A0. The reduction is one-sided, so the best so far and another may both win a batch. */
    private static boolean winsByGlobalBest(int i, double[] batch, long[] earliness, double epsilon, int best) {
        double mine = i == best ? batch[i] * (1 - epsilon) : batch[i];
        for (int j = 0; j < batch.length; j++) {
            if (j != i && (mine > batch[j] || mine == batch[j] && earliness[i] > earliness[j])) {
                return false;
            }
        }
        return true;
    }

    /** Rule A1. Ties do not disqualify, and neither does a NaN, since no comparison with it holds. */
    private static boolean winsAgainstAll(int i, double[] batch, long[] earliness, double epsilon) {
        for (int j = 0; j < batch.length; j++) {
            if (j != i && adjusted(i, j, batch, earliness, epsilon) > adjusted(j, i, batch, earliness, epsilon)) {
                return false;
            }
        }
        return true;
    }

    /** Rule of A2 and B. An exact tie is won by neither. */
    private static int matchesWon(int i, double[] batch, long[] earliness, double epsilon) {
        int won = 0;
        for (int j = 0; j < batch.length; j++) {
            if (j != i && adjusted(i, j, batch, earliness, epsilon) < adjusted(j, i, batch, earliness, epsilon)) {
                won++;
            }
        }
        return won;
    }

    /** Model i's loss in a match with j: reduced when i is earlier. */
    private static double adjusted(int i, int j, double[] batch, long[] earliness, double epsilon) {
        return earliness[i] < earliness[j] ? (1 - epsilon) * batch[i] : batch[i];
    }

    private static int batches(double[][] losses, long[] earliness) {
        if (losses.length != earliness.length) {
            throw new IllegalArgumentException(
                    losses.length + " models have losses, " + earliness.length + " have a block");
        }
        int batches = losses.length == 0 ? 0 : losses[0].length;
        for (double[] row : losses) {
            if (row.length != batches) {
                throw new IllegalArgumentException(
                        "a model has " + row.length + " losses where another has " + batches + "; all see the same");
            }
        }
        return batches;
    }
}
