package sn9.cli;

import java.util.Map;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import sn9.metrics.ConsoleSink;
import sn9.metrics.MetricsSink;

/** Rows of {@code step} as a progress bar, for a person at a terminal. */
final class ProgressSink implements MetricsSink {
    private final ProgressBar bar;

    /** Begins the bar; steps below 0 for a run without end. */
    ProgressSink(long steps) {
        this.bar = new ProgressBarBuilder()
                .setTaskName("training")
                .setUnit(" steps", 1)
                .setInitialMax(steps)
                .setUpdateIntervalMillis(500)
                .build();
    }

    /** Whether a person looks on: a bar in a file is noise. */
    static boolean isTerminal() {
        return System.console() != null && System.console().isTerminal();
    }

    @Override
    public void row(String kind, Map<String, ?> values) {
        if (kind.equals("step") && values.get("step") instanceof Long step) {
            bar.stepTo(step);
            bar.setExtraMessage(ConsoleSink.line(values));
        }
    }

    @Override
    public void close() {
        bar.close();
    }
}
