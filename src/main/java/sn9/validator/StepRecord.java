package sn9.validator;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.Function;

/**
 * One finished step: everything the validator has to remember of it, saved in one transaction.
 *
 * @param step number of the step, from 0, one after the other over restarts
 * @param block the chain's block at its start
 * @param started wall clock at its start
 * @param pages the pages drawn, in order
 * @param batches batches packed from those pages
 * @param evaluations one per model that took part, in order of uid
 * @param averages moving-average weight of every registered hotkey that has one
 * @param weights the same by uid
 * @param carried hotkeys whose models go on to the next step, best first
 * @param failed uid to reason: failed evaluations and rejected models
 * @param seconds wall time by phase, in the order they ran
 */
public record StepRecord(
        long step,
        long block,
        Instant started,
        List<Long> pages,
        int batches,
        List<Evaluation> evaluations,
        Map<String, Float> averages,
        SortedMap<Integer, Float> weights,
        List<String> carried,
        SortedMap<Integer, String> failed,
        Map<String, Double> seconds) {
    /**
     * The step as programs read it (DESIGN 8): {@code losses}, {@code wins}, {@code win_rate}, {@code step_weights} and the
     * like have one entry per uid of {@code uids}, in its order; {@code losses} one list per uid with a loss per batch.
     * {@code all_weights} also names those who took no part.
     */
    public Map<String, Object> row() {
        var row = new LinkedHashMap<String, Object>();
        row.put("step", step);
        row.put("block", block);
        row.put("timestamp", started.toEpochMilli() / 1000.0);
        row.put("pages", pages);
        row.put("batches", batches);
        row.put("uids", column(Evaluation::uid));
        row.put("blocks", column(e -> e.commitment().block()));
        row.put("losses", column(Evaluation::losses));
        row.put("average_loss", column(Evaluation::averageLoss));
        row.put("wins", column(Evaluation::wins));
        row.put("win_rate", column(Evaluation::winRate));
        row.put("step_weights", column(Evaluation::stepWeight));
        row.put("weights", column(Evaluation::weight));
        row.put("all_weights", weights);
        row.put("failed", failed);
        row.put("seconds", seconds);
        return row;
    }

    private List<?> column(Function<Evaluation, ?> value) {
        return evaluations.stream().map(value).toList();
    }
}
