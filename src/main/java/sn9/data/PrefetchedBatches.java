package sn9.data;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The batches of some pages, read and packed on a virtual thread while the consumer computes: at most one page waits and
 * one is being read. A page that fails is replaced by a spare one (spec/subnet.md D 14); when no spare is left, the last
 * failure reaches the consumer. The batches equal those of {@link Packer#pack} over the pages that were read.
 *
 * <p>{@link #next} and {@link #close} belong to one thread.
 */
public final class PrefetchedBatches implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PrefetchedBatches.class);

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
        Packer.Run run = packer.begin();
        int spare = 0;
        try {
            for (long wanted : pages) {
                long number = wanted;
                Page page = null;
                while (page == null) {
                    try {
                        page = source.page(number);
                    } catch (IOException e) {
                        if (Thread.interrupted()) {
                            throw new InterruptedException("closed while page " + number + " was read");
                        }
                        if (spare == spares.length) {
                            return new Failed(e);
                        }
                        LOG.warn("page={} skipped, page={} read instead: {}", number, spares[spare], e.getMessage());
                        number = spares[spare++];
                    }
                }
                List<Batch> batches = run.add(page);
                if (!batches.isEmpty()) {
                    ready.put(new Packed(batches));
                }
            }
            return new Finished();
        } catch (RuntimeException e) {
            return new Failed(e);
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
