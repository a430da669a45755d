package sn9.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns SIGTERM and SIGINT into a polite request: the process stays until the command has closed this, or the patience
 * ends. The exit code is the signal's (143, 130).
 */
final class GracefulStop implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 300;

    private static final Logger LOG = LoggerFactory.getLogger(GracefulStop.class);

    private final CountDownLatch done = new CountDownLatch(1);

    private GracefulStop() {}

    /**
     * Listens from now on.
     *
     * @param request asks the command to end; called on another thread, at most once
     */
    static GracefulStop onSignal(Runnable request) {
        var stop = new GracefulStop();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop.signalled(request), "graceful-stop"));
        return stop;
    }

    /** The command has ended: nothing is left to wait for. */
    @Override
    public void close() {
        done.countDown();
    }

    private void signalled(Runnable request) {
        if (done.getCount() == 0) {
            return; // the process ends because the command has
        }
        LOG.info("stopping: finishing what is under way and saving; kill -9 ends at once");
        request.run();
        try {
            if (!done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("not finished after {} seconds, ending anyway", PATIENCE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
