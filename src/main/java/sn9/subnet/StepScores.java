package sn9.subnet;

/**
 * What one step says about each model, in the order the models were given.
 *
 * @param wins batches or matches won
 * @param winRates wins as a share of what was to be won, 0 to 1
 * @param weights share of the step, fp32; of sum 1 except under rule A0
 * @param failed whether the model has a loss that is not finite
 */
public record StepScores(int[] wins, double[] winRates, float[] weights, boolean[] failed) {}
