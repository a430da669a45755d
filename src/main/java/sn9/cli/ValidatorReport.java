package sn9.cli;

import java.io.IOException;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import sn9.metrics.MetricsSink;
import sn9.validator.StepRecord;
import sn9.validator.Validator;
import sn9.validator.WeightSubmission;

/** A validator's steps for people, in the reference's tables, and for programs (DESIGN 8). */
final class ValidatorReport implements Validator.Listener {
    /** Weights below this are left out of the table after each step, as in the reference. */
    private static final float SHOWN_WEIGHT = 0.001f;

    private final Output output;
    private final MetricsSink metrics;

    ValidatorReport(Output output, MetricsSink metrics) {
        this.output = output;
        this.metrics = metrics;
    }

    @Override
    public void step(StepRecord step) throws IOException {
        var table =
                new Table("Step " + step.step(), "uid", "average_loss", "win_rate", "win_total", "weights", "block");
        for (var evaluation : step.evaluations()) {
            table.row(
                    evaluation.uid(),
                    decimals(evaluation.averageLoss()),
                    decimals(evaluation.winRate()),
                    evaluation.wins(),
                    decimals(evaluation.weight()),
                    evaluation.commitment().block());
        }
        output.table(table);
        var weights = new Table("Weights > " + SHOWN_WEIGHT, "uid", "weight");
        step.weights().entrySet().stream()
                .filter(entry -> entry.getValue() > SHOWN_WEIGHT)
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .forEach(entry -> weights.row(entry.getKey(), decimals(entry.getValue())));
        output.table(weights);
        failed(step.failed());
        metrics.row("validation", step.row());
        output.json(step.row());
    }

    @Override
    public void weights(WeightSubmission submission) {
        var table = new Table("All Weights", "uid", "weight", "u16");
        long sum = 0;
        for (int value : submission.weights()) {
            sum += value;
        }
        for (int i = 0; i < submission.uids().length; i++) {
            int value = submission.weights()[i];
            table.row(submission.uids()[i], decimals((double) value / sum), value);
        }
        output.table(table);
        output.text(
                submission.includedIn().isPresent()
                        ? "The chain holds these weights since block "
                                + submission.includedIn().getAsLong() + "."
                        : "The chain did not take these weights: " + submission.outcome());
    }

    @Override
    public void waiting(Map<Integer, String> rejected) {
        output.text("Nothing to evaluate yet: waiting for models to be committed"
                + (rejected.isEmpty() ? "." : ", " + rejected.size() + " rejected so far."));
        failed(rejected);
    }

    private void failed(Map<Integer, String> reasons) {
        if (!reasons.isEmpty()) {
            var table = new Table("Failed or rejected", "uid", "reason");
            reasons.forEach(table::row);
            output.table(table);
        }
    }

    private static String decimals(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }
}
