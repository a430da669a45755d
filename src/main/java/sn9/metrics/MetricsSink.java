package sn9.metrics;

import java.io.IOException;
import java.util.Map;

/** Takes rows of named numbers, for instance one per optimiser step. */
public interface MetricsSink extends AutoCloseable {
    /**
     * Takes one row.
     *
     * @param kind what the row is about: {@code step}, {@code epoch}, {@code held_out}, {@code validation}
     * @param values names to numbers, texts or lists; non-finite numbers become null
     */
    void row(String kind, Map<String, ?> values) throws IOException;

    @Override
    void close() throws IOException;
}
