package sn9.metrics;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Gives every row to several sinks, in order; closes them all, even when one fails. */
public final class MetricsSinks implements MetricsSink {
    private final List<MetricsSink> sinks;

    /** Combines sinks; it owns them from here on. An empty list discards every row. */
    public MetricsSinks(List<MetricsSink> sinks) {
        this.sinks = List.copyOf(sinks);
    }

    @Override
    public void row(String kind, Map<String, ?> values) throws IOException {
        for (var sink : sinks) {
            sink.row(kind, values);
        }
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (var sink : sinks) {
            try {
                sink.close();
            } catch (IOException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
