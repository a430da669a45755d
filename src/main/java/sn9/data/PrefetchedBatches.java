package sn9.data;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The batches of some pages, read and packed on virtual threads while the consumer computes: one page's batches wait, one
 * page is being packed, and the {@value #AHEAD} after it are being read, side by side, for a server answers late. A page that fails is replaced by a spare one (spec/subnet.md D 14); when no spare is left, the last
 * failure reaches the consumer. The batches equal those of {@link Packer#pack} over the pages that were read.
 *
 * <p>{@link #next} and {@link #close} belong to one thread.
 */
public final class PrefetchedBatches implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PrefetchedBatches.class);

    /** Pages being read at once; some 300 KB of text each. */
    private static final int AHEAD = 4;

    private final BlockingQueue<Item> ready = new ArrayBlockingQueue<>(1);
    private final ArrayDeque<Batch> current = new ArrayDeque<>();
    private final Thread reader;
    private Item last;
    private boolean closed;

    /**
     * Begins to read.
     *
     * @param source where the pages are; stays open, the caller's
     * @param pages numbers of the pages wanted, in order
     * @param spares numbers of the pages that may stand in for failed ones, in order; each is used once
     * @param packer makes the batches; one run over all pages
     */
    public PrefetchedBatches(PageSource source, long[] pages, long[] spares, Packer packer) {
        long[] wanted = pages.clone();
        long[] standIns = spares.clone();
        this.reader = Thread.ofVirtual().name("prefetch").start(() -> read(source, wanted, standIns, packer, ready));
    }

    /**
     * The next batch, waiting for it when need be; empty when all pages are used up.
     *
     * @throws IOException the failure of a page for which no spare was left, again at every call
     * @throws IllegalStateException when closed
     */
    public Optional<Batch> next() throws IOException, InterruptedException {
        if (closed) {
            throw new IllegalStateException("these batches are closed");
        }
        while (current.isEmpty()) {
            if (last == null) {
                take(ready.take());
            } else if (last instanceof Failed failed) {
                throw failed.checked();
            } else {
                return Optional.empty();
            }
        }
        return Optional.of(current.remove());
    }

    /** Stops reading, waits for the reader to end and forgets what was read. Closing again does nothing. */
    @Override
    public void close() {
        closed = true;
        current.clear();
        reader.interrupt();
        boolean interrupted = false;
        while (reader.isAlive()) {
            try {
                reader.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void take(Item item) {
        if (item instanceof Packed packed) {
            current.addAll(packed.batches);
        } else {
            last = item;
        }
    }

    private static void read(PageSource source, long[] pages, long[] spares, Packer packer, BlockingQueue<Item> ready) {
        // Whatever ends the thread, an Error included, the consumer must not wait for ever; only close() interrupts.
        Item end = new Failed(new IllegalStateException("reading pages ended with an error, see standard error"));
        boolean closed = false;
        try {
            end = readAll(source, pages, spares, packer, ready);
        } catch (InterruptedException _) {
            closed = true;
        } finally {
            if (!closed) {
                hand(end, ready);
            }
        }
    }

    private static void hand(Item end, BlockingQueue<Item> ready) {
        try {
            ready.put(end);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static Item readAll(
            PageSource source, long[] pages, long[] spares, Packer packer, BlockingQueue<Item> ready)
            throws InterruptedException {
        var threads = Executors.newVirtualThreadPerTaskExecutor();
        try {
            var reading = new ArrayDeque<Future<Page>>();
            Packer.Run run = packer.begin();
            int spare = 0;
            for (int i = 0; i < pages.length; i++) {
                for (int next = i + reading.size(); next < Math.min(pages.length, i + AHEAD); next++) {
                    reading.add(read(source, pages[next], threads));
                }
                Future<Page> page = reading.remove();
                long number = pages[i];
                while (failure(page).isPresent()) {
                    Exception failure = failure(page).get();
                    if (spare == spares.length || !(failure instanceof IOException)) {
                        return new Failed(failure);
                    }
                    LOG.warn("page={} skipped, page={} read instead: {}", number, spares[spare], failure.getMessage());
                    number = spares[spare++];
                    page = read(source, number, threads);
                }
                List<Batch> batches = run.add(page.resultNow());
                if (!batches.isEmpty()) {
                    ready.put(new Packed(batches));
                }
            }
            return new Finished();
        } catch (RuntimeException e) {
            return new Failed(e);
        } finally {
            threads.shutdownNow();
            closeUninterrupted(threads);
        }
    }

    private static Future<Page> read(PageSource source, long number, ExecutorService threads) {
        return threads.submit(() -> source.page(number));
    }

    /** Waits for a page; why there is none, or empty when it is there. */
    private static Optional<Exception> failure(Future<Page> page) throws InterruptedException {
        try {
            page.get();
            return Optional.empty();
        } catch (ExecutionException e) {
            return switch (e.getCause()) {
                case InterruptedException interrupted -> throw interrupted;
                case Exception cause -> Optional.of(cause);
                case Error error -> throw error;
                case Throwable other -> throw new IllegalStateException(other);
            };
        }
    }

    /** Waits for the readers to end, and keeps an interrupt for later. */
    private static void closeUninterrupted(ExecutorService threads) {
        boolean interrupted = Thread.interrupted();
        threads.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the reader hands over. */
    private sealed interface Item {}

    /** The batches one page completed. */
    private record Packed(List<Batch> batches) implements Item {}

    /** All pages are read. */
    private record Finished() implements Item {}

    /** Reading ended early. */
    private record Failed(Exception cause) implements Item {
        /** The cause itself: thrown when unchecked, else returned to be thrown. */
        private IOException checked() {
            if (cause instanceof RuntimeException fault) {
                throw fault;
            }
            return (IOException) cause;
        }
    }
}
