package sn9.validator;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * One finished step: everything the validator has to remember of it, saved in one transaction.
 *
 * @param step number of the step, from 0, one after the other over restarts
 * @param block the chain's block at its start
 * @param started wall clock at its start
 * @param pages the pages drawn, in order
 * @param batches batches packed from those pages
 * @param evaluations one per evaluated model, in order of uid
 * @param averages moving-average weight by hotkey after this step, evaluated or not
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
        Map<String, Double> averages,
        List<String> carried,
        Map<Integer, String> failed,
        Map<String, Double> seconds) {}
