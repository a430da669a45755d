package sn9.validator;

import java.util.Arrays;
import java.util.Optional;
import sn9.subnet.Commitment;

/**
 * What one step found out about one model.
 *
 * @param uid the hotkey's slot at that step
 * @param hotkey who committed the model
 * @param commitment which model, and the block that decides its seniority
 * @param losses mean nats per batch; all infinite when there was nothing to evaluate
 * @param failure why the model fails this step; empty when it was evaluated
 * @param wins won comparisons, over all opponents and batches
 * @param winRate share of the comparisons won, 0 to 1
 * @param stepWeight the share of this step's weights
 * @param weight the moving average after this step
 */
public record Evaluation(
        int uid,
        String hotkey,
        Commitment commitment,
        double[] losses,
        Optional<String> failure,
        int wins,
        double winRate,
        float stepWeight,
        float weight) {
    /** Mean of the losses: infinite or NaN when one of them is, NaN when there are none. */
    public double averageLoss() {
        return Arrays.stream(losses).average().orElse(Double.NaN);
    }
}
