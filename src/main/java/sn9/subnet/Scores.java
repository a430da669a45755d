package sn9.subnet;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * From wins to the weights of the network (spec A.6, B.6): weights of a step, their place among all uids, and the moving
 * average. Arithmetic is fp32 as in the reference, exponentials are rounded from double.
 */
public final class Scores {
    /** What rule A1 adds to each model's wins. */
    private static final double A1_SHARE = 0.05;

    private Scores() {}

    /** As {@link #step(double[][], long[], RuleSet, int)} with no best so far. */
    public static StepScores step(double[][] losses, long[] earliness, RuleSet rules) {
        return step(losses, earliness, rules, Wins.NO_BEST);
    }

    /**
     * Scores one step.
     *
     * @param losses {@code [model][batch]}, mean nats; infinite where the evaluation failed
     * @param earliness block of each model's commitment; {@link Long#MAX_VALUE} when unknown
     * @param best index of the best model so far, or {@link Wins#NO_BEST}; only rule A0 looks at it
     */
    public static StepScores step(double[][] losses, long[] earliness, RuleSet rules, int best) {
        int[] wins = Wins.count(losses, earliness, rules, best);
        double[] rates = Wins.rates(wins, losses.length == 0 ? 0 : losses[0].length, rules);
        boolean[] failed = Wins.failed(losses);
        boolean[] excluded = rules.referenceFailures() ? new boolean[failed.length] : failed;
        float[] weights =
                switch (rules.scoring().weightRule()) {
                    case PLUS_ONE -> smoothed(wins, excluded, 1, 0);
                    case PLUS_SHARE -> smoothed(wins, excluded, A1_SHARE, A1_SHARE);
                    case SOFTMAX -> softmax(rates, excluded, rules.temperature());
                };
        return new StepScores(wins, rates, weights, failed);
    }

    /** Softmax of rates over temperature, in fp32: of sum 1, empty for no rates. */
    public static float[] softmax(double[] rates, double temperature) {
        return softmax(rates, new boolean[rates.length], temperature);
    }

    /**
     * Puts the weights of a step into a vector over all uids and divides by their sum. All zero when the sum is.
     *
     * @param uids uid of each model
     * @param size uids of the subnet
     */
    public static float[] scatter(int[] uids, float[] stepWeights, int size) {
        float sum = 0;
        for (float weight : stepWeights) {
            sum += weight;
        }
        float[] vector = new float[size];
        for (int i = 0; i < uids.length; i++) {
            vector[uids[i]] = sum > 0 ? stepWeights[i] / sum : 0;
        }
        return vector;
    }

    /**
     * One step of the moving average: {@code alpha * old + (1 - alpha) * step}, a NaN becomes 0.
     *
     * @param old weights by uid, all zero at the start
     * @param step weights of this step by uid, of the same length
     */
    public static float[] movingAverage(float[] old, float[] step, double alpha) {
        if (old.length != step.length) {
            throw new IllegalArgumentException("the average has " + old.length + " uids, the step " + step.length
                    + "; bring the average to the metagraph's size first (Scores.reowned)");
        }
        float[] next = new float[old.length];
        for (int uid = 0; uid < next.length; uid++) {
            float value = (float) alpha * old[uid] + (float) (1 - alpha) * step[uid];
            next[uid] = Float.isNaN(value) ? 0 : value;
        }
        return next;
    }

    /**
     * The moving average brought to a newer metagraph: a slot that changed its hotkey starts again at 0.
     *
     * <p>Differs: the reference leaves the old value, so that a new registrant inherits weight, and never changes the
     * vector's length (spec B.6).
     *
     * @param weights by uid
     * @param before hotkey by uid when they were last updated, of the same length
     * @param now hotkey by uid in the newer metagraph
     */
    public static float[] reowned(float[] weights, List<String> before, List<String> now) {
        if (weights.length != before.size()) {
            throw new IllegalArgumentException(weights.length + " weights, but " + before.size() + " hotkeys");
        }
        float[] kept = new float[now.size()];
        for (int uid = 0; uid < Math.min(kept.length, weights.length); uid++) {
            kept[uid] = now.get(uid).equals(before.get(uid)) ? weights[uid] : 0;
        }
        return kept;
    }

    /**
     * Which models stay for the next step: those of the highest win rate. Of equal ones the first given stays.
     *
     * @return at most {@code sampleMin} indices, best first
     */
    public static int[] keep(double[] winRates, int sampleMin) {
        return IntStream.range(0, winRates.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -winRates[i]))
                .limit(sampleMin)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /**
     * (wins + extra) / (sum of wins + perModel * n) over the models that are not excluded. Differs: where nothing was won
     * and nothing is added, all weights are 0; the reference divides by zero.
     */
    private static float[] smoothed(int[] wins, boolean[] excluded, double extra, double perModel) {
        double total = 0;
        for (int i = 0; i < wins.length; i++) {
            total += excluded[i] ? 0 : wins[i] + perModel;
        }
        float[] weights = new float[wins.length];
        for (int i = 0; i < wins.length; i++) {
            weights[i] = excluded[i] || total == 0 ? 0 : (float) ((wins[i] + extra) / total);
        }
        return weights;
    }

    private static float[] softmax(double[] rates, boolean[] excluded, double temperature) {
        if (!(temperature > 0)) {
            throw new IllegalArgumentException("temperature is " + temperature + ", expected a positive number");
        }
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < rates.length; i++) {
            largest = excluded[i] ? largest : Math.max(largest, (float) rates[i] / (float) temperature);
        }
        float[] weights = new float[rates.length];
        float sum = 0;
        for (int i = 0; i < rates.length; i++) {
            weights[i] = excluded[i] ? 0 : (float) Math.exp((float) rates[i] / (float) temperature - largest);
            sum += weights[i];
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] = excluded[i] ? 0 : weights[i] / sum;
        }
        return weights;
    }
}
