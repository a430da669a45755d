package sn9.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.hub.Transfers;

/** Uploads and downloads as progress bars with rate and remaining time, or as log lines where no person looks on. */
final class HubProgress {
    private static final Logger LOG = LoggerFactory.getLogger(HubProgress.class);

    private HubProgress() {}

    /** Bars on a terminal; elsewhere one line when a large file begins. */
    static Transfers forThisTerminal() {
        return ProgressSink.isTerminal() ? HubProgress::bar : HubProgress::line;
    }

    private static Transfers.Transfer bar(String name, long bytes) {
        ProgressBar bar = new ProgressBarBuilder()
                .setTaskName(name.substring(name.lastIndexOf('/') + 1))
                .setStyle(ProgressBarStyle.ASCII)
                .setUnit(" MB", 1_000_000)
                .setInitialMax(bytes)
                .setUpdateIntervalMillis(500)
                .showSpeed()
                .build();
        return new Transfers.Transfer() {
            @Override
            public void moved(long bytes) {
                bar.stepBy(bytes);
            }

            @Override
            public void close() {
                bar.close();
            }
        };
    }

    private static Transfers.Transfer line(String name, long bytes) {
        if (bytes >= 1_000_000) {
            LOG.info("transfer file={} bytes={}", name, bytes);
        }
        return Transfers.SILENT.begin(name, bytes);
    }
}
