package sn9.validator;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import sn9.subnet.Commitment;
import sn9.subnet.ModelId;

/** Steps whose every value follows from their number, so that a reader can tell what belongs together. */
final class StepFixture {
    static final int HOTKEYS = 8;
    static final int BATCHES = 40;

    private StepFixture() {}

    static String hotkey(int i) {
        return "hotkey-" + i;
    }

    static Commitment commitment(int i) {
        return new Commitment("ns:model-" + i + ":commit:hash", 100 + i);
    }

    static ModelId id(char digit) {
        return new ModelId("ns", "name", String.valueOf(digit).repeat(40), "A".repeat(42) + digit + "=");
    }

    static double loss(long step, int hotkey, int batch) {
        return 3 + step * 1e-3 + hotkey * 1e-2 + batch * 1e-5;
    }

    static float average(long step, int hotkey) {
        return 1f / (step + 1) + hotkey;
    }

    static StepRecord step(long step) {
        var evaluations = new ArrayList<Evaluation>();
        var averages = new LinkedHashMap<String, Float>();
        var weights = new TreeMap<Integer, Float>();
        var carried = new ArrayList<String>();
        for (int i = 0; i < HOTKEYS; i++) {
            var losses = new double[BATCHES];
            for (int b = 0; b < BATCHES; b++) {
                losses[b] = loss(step, i, b);
            }
            averages.put(hotkey(i), average(step, i));
            weights.put(i, average(step, i));
            carried.add(hotkey((int) ((i + step) % HOTKEYS)));
            evaluations.add(new Evaluation(
                    i, hotkey(i), commitment(i), losses, Optional.empty(), i, i / 10.0, 0.125f, average(step, i)));
        }
        return new StepRecord(
                step,
                1000 + step,
                Instant.ofEpochMilli(1_700_000_000_000L + step),
                List.of(step, step + 7),
                BATCHES,
                evaluations,
                averages,
                weights,
                carried,
                new TreeMap<>(Map.of(99, "reason of step " + step)),
                Map.of("evaluate", 1.5));
    }
}
