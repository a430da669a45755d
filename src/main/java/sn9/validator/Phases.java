package sn9.validator;

import java.util.LinkedHashMap;
import java.util.Map;

/** Wall time of the phases of a step, one after the other. Belongs to one thread. */
final class Phases {
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private long since = System.nanoTime();

    /** Ends a phase that began where the last one ended. */
    void end(String phase) {
        long now = System.nanoTime();
        seconds.merge(phase, (now - since) / 1e9, Double::sum);
        since = now;
    }

    /** Seconds by phase, in the order they ran. */
    Map<String, Double> seconds() {
        return new LinkedHashMap<>(seconds);
    }
}
