package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sn9.RemoteCallException;
import sn9.tokenizer.Gpt2Tokenizer;

@Timeout(30)
class PrefetchedBatchesTest {
    private final Packer packer = new Packer(new Gpt2Tokenizer(), 1, 8);

    @Test
    void givesWhatPackingAllPagesGives() throws Exception {
        var source = new Source(Set.of());
        try (var batches = new PrefetchedBatches(source, pages(20), pages(0), packer)) {
            assertThat(all(batches)).isEqualTo(expected(pages(20)));
            assertThat(batches.next()).isEmpty();
        }
    }

    @Test
    void replacesFailedPagesBySpares() throws Exception {
        var source = new Source(Set.of(1L, 2L, 100L));
        try (var batches = new PrefetchedBatches(source, pages(4), new long[] {100, 101, 102, 103}, packer)) {
            assertThat(all(batches)).isEqualTo(expected(0, 101, 102, 3));
        }
        assertThat(source.read).containsExactlyInAnyOrder(0L, 1L, 100L, 101L, 2L, 102L, 3L);
    }

    @Test
    void theLastFailureReachesTheConsumerAfterTheGoodBatches() throws Exception {
        var source = new Source(Set.of(2L, 100L));
        try (var batches = new PrefetchedBatches(source, pages(4), new long[] {100}, packer)) {
            int good = expected(0, 1).size();
            for (int i = 0; i < good; i++) {
                assertThat(batches.next()).isPresent();
            }
            assertThatThrownBy(batches::next)
                    .isInstanceOf(RemoteCallException.class)
                    .hasMessageContaining("page 100");
            assertThatThrownBy(batches::next).isInstanceOf(RemoteCallException.class);
        }
    }

    @Test
    void aProgrammingFaultReachesTheConsumerToo() {
        var source = new Source(Set.of());
        try (var batches = new PrefetchedBatches(source, new long[] {-1}, pages(5), packer)) {
            assertThatThrownBy(batches::next).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void anErrorInTheReaderDoesNotLeaveTheConsumerWaiting() {
        var source = new Source(Set.of());
        try (var batches = new PrefetchedBatches(source, new long[] {0, -2}, pages(0), packer)) {
            assertThatThrownBy(() -> all(batches))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("ended with an error");
        }
    }

    @Test
    void readsNoFurtherThanAFewPagesAhead() throws Exception {
        var source = new Source(Set.of());
        try (var batches = new PrefetchedBatches(source, pages(50), pages(0), packer)) {
            assertThat(batches.next()).isPresent();
            // One page in use, one in the queue, one packed and waiting for the queue, three read or being read.
            Thread.sleep(50);
            assertThat(source.reads.get()).isLessThanOrEqualTo(6);
        }
    }

    @Test
    void readsPagesSideBySideAndKeepsTheirOrder() throws Exception {
        var source = new Source(Set.of(2L));
        source.together = new CyclicBarrier(4);
        try (var batches = new PrefetchedBatches(source, pages(4), new long[] {100}, packer)) {
            assertThat(all(batches)).isEqualTo(expected(0, 1, 100, 3));
        }
    }

    @Test
    void closesWhileAPageIsBeingRead() {
        var source = new Source(Set.of());
        source.gate = new CountDownLatch(1);
        var batches = new PrefetchedBatches(source, pages(5), pages(0), packer);
        batches.close();
        batches.close();
        assertThat(source.interrupted).isTrue();
        assertThatThrownBy(batches::next).isInstanceOf(IllegalStateException.class);
    }

    private static List<List<Integer>> all(PrefetchedBatches batches) throws Exception {
        var all = new ArrayList<List<Integer>>();
        for (Optional<Batch> batch = batches.next(); batch.isPresent(); batch = batches.next()) {
            all.add(ids(batch.get()));
        }
        return all;
    }

    private List<List<Integer>> expected(long... numbers) {
        List<Page> pages = LongStream.of(numbers).mapToObj(Source::content).toList();
        return packer.pack(pages).stream().map(PrefetchedBatchesTest::ids).toList();
    }

    private static List<Integer> ids(Batch batch) {
        return Arrays.stream(batch.tokens()).boxed().toList();
    }

    private static long[] pages(int count) {
        return LongStream.range(0, count).toArray();
    }

    /** Pages of a few words each; some always fail. */
    private static final class Source implements PageSource {
        private final Set<Long> failing;
        private final Set<Long> read = new ConcurrentSkipListSet<>();
        private final AtomicInteger reads = new AtomicInteger();
        private volatile CountDownLatch gate = new CountDownLatch(0);
        private volatile CyclicBarrier together = new CyclicBarrier(1);
        private volatile boolean interrupted;

        private Source(Set<Long> failing) {
            this.failing = failing;
        }

        private static Page content(long number) {
            return new Page(number, List.of("page " + number + " has some words", "and ends here"));
        }

        @Override
        public Page page(long number) throws IOException, InterruptedException {
            if (number == -2) {
                throw new AssertionError("thrown on purpose");
            }
            if (number < 0) {
                throw new IllegalArgumentException("page " + number);
            }
            read.add(number);
            reads.incrementAndGet();
            try {
                gate.await();
                if (number < 100) {
                    together.await(); // passes only when as many pages are being read
                }
            } catch (BrokenBarrierException e) {
                throw new IOException(e);
            } catch (InterruptedException e) {
                interrupted = true;
                throw e;
            }
            if (failing.contains(number)) {
                throw new RemoteCallException("page " + number + " answered 500", true);
            }
            return content(number);
        }

        @Override
        public long pages(Split split) {
            return 1000;
        }

        @Override
        public long[] draw(Split split, int count, RandomGenerator random) {
            return pages(split) < count ? new long[0] : new long[count];
        }

        @Override
        public String describe() {
            return "test";
        }

        @Override
        public void close() {}
    }
}
