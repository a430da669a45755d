package sn9.hub;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;

/** Transfers side by side on virtual threads: all succeed, or the first failure ends the others. */
final class Parallel {
    private Parallel() {}

    /** One transfer; an interrupt must end it. */
    interface Task {
        /** Does the work. */
        void run() throws IOException, InterruptedException;
    }

    /**
     * Runs tasks and returns when none is running any more.
     *
     * @param atOnce most tasks at a time, begun in their order
     * @throws IOException what the first failed task threw
     */
    static void run(int atOnce, List<? extends Task> tasks) throws IOException, InterruptedException {
        var gate = new Semaphore(atOnce);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var done = new ExecutorCompletionService<Void>(threads);
            var futures = new ArrayList<Future<Void>>();
            try {
                for (Task task : tasks) {
                    futures.add(done.submit(() -> {
                        gate.acquire();
                        try {
                            task.run();
                        } finally {
                            gate.release();
                        }
                        return null;
                    }));
                }
                for (int i = 0; i < futures.size(); i++) {
                    done.take().get();
                }
            } catch (ExecutionException e) {
                switch (e.getCause()) {
                    case IOException failure -> throw failure;
                    case InterruptedException failure -> throw failure;
                    case RuntimeException failure -> throw failure;
                    case null, default -> throw new IllegalStateException(e);
                }
            } finally {
                futures.forEach(future -> future.cancel(true));
            }
        }
    }
}
