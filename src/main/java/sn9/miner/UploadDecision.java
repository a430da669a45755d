package sn9.miner;

import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Whether a model is worth committing. A new commitment gives up the seniority of the old one, against which it must win
 * by the network's ε like anyone else's (spec/subnet.md D.21).
 *
 * @param publish whether to
 * @param reason in words, with the numbers
 */
public record UploadDecision(boolean publish, String reason) {
    /**
     * Decides.
     *
     * @param loss of the candidate on the held-out pages, nats
     * @param threshold the candidate must lie strictly below; empty for none
     * @param committedLoss of this hotkey's own committed model on the same pages; empty when there is none
     * @param epsilon advantage of the earlier model, a share of its loss
     * @param force whether the committed model does not count
     */
    public static UploadDecision of(
            double loss, OptionalDouble threshold, OptionalDouble committedLoss, double epsilon, boolean force) {
        if (!Double.isFinite(loss)) {
            return new UploadDecision(false, "held-out loss is " + loss + ", not a finite number");
        }
        if (threshold.isPresent() && !(loss < threshold.getAsDouble())) {
            return no(
                    "held-out loss %.4f is not below --avg_loss_upload_threshold %.4f", loss, threshold.getAsDouble());
        }
        if (force || committedLoss.isEmpty()) {
            return new UploadDecision(
                    true,
                    String.format(Locale.ROOT, "held-out loss %.4f, ", loss)
                            + (force ? "--force" : "no usable model is committed yet"));
        }
        double committed = committedLoss.getAsDouble();
        double needed = epsilon * committed;
        if (committed - loss > needed) {
            return new UploadDecision(
                    true,
                    String.format(
                            Locale.ROOT,
                            "held-out loss %.4f gains %.4f on the committed model's %.4f, more than the %.4f needed",
                            loss,
                            committed - loss,
                            committed,
                            needed));
        }
        return no(
                "held-out loss %.4f does not gain more than %.4f (epsilon times loss) on the committed model's %.4f, and"
                        + " a new commitment would lose its seniority",
                loss, needed, committed);
    }

    private static UploadDecision no(String format, Object... values) {
        return new UploadDecision(false, String.format(Locale.ROOT, format, values));
    }
}
