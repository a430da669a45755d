package sn9.metrics;

import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rows of one kind as the lines an operator reads: {@code step=120 loss=4.1837 grad_norm=0.9200 lr=5.8e-04 tok/s=183400}.
 * Other kinds are left to whoever sends them.
 */
public final class ConsoleSink implements MetricsSink {
    private static final Logger LOG = LoggerFactory.getLogger(ConsoleSink.class);

    private final String kind;

    /** Logs the rows of a kind, at INFO. */
    public ConsoleSink(String kind) {
        this.kind = kind;
    }

    @Override
    public void row(String kind, Map<String, ?> values) {
        if (kind.equals(this.kind)) {
            LOG.info("{}", line(values));
        }
    }

    @Override
    public void close() {
        // a log needs no closing
    }

    /** The values as {@code key=value}, in their order. */
    public static String line(Map<String, ?> values) {
        var line = new StringBuilder();
        values.forEach((key, value) -> {
            line.append(line.isEmpty() ? "" : " ");
            line.append(key.equals("tokens_per_second") ? "tok/s" : key)
                    .append('=')
                    .append(text(key, value));
        });
        return line.toString();
    }

    private static String text(String key, Object value) {
        if (!(value instanceof Double number) || !Double.isFinite(number)) {
            return String.valueOf(value);
        }
        if (key.equals("tokens_per_second")) {
            return String.format(Locale.ROOT, "%.0f", number);
        }
        boolean small = number != 0 && Math.abs(number) < 0.01;
        return String.format(Locale.ROOT, small ? "%.1e" : "%.4f", number);
    }
}
