package sn9.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LockFileTest {
    @TempDir
    Path folder;

    /** Deleted while somebody waits for it, a lock's file is another one afterwards, and only one of them counts. */
    @Test
    void alwaysOneOwnerThoughTheFileIsDeleted() throws Exception {
        Path file = folder.resolve("x.lock");
        var inside = new AtomicInteger();
        var most = new AtomicInteger();
        var start = new CountDownLatch(1);
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 8; i++) {
            threads.add(Thread.startVirtualThread(() -> {
                try {
                    start.await();
                    for (int n = 0; n < 20; n++) {
                        try (var lock = LockFile.take(file)) {
                            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                            lock.delete();
                            inside.decrementAndGet();
                        }
                    }
                } catch (Exception e) {
                    most.set(100);
                }
            }));
        }
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(most).hasValue(1);
        assertThat(file).doesNotExist();
    }
}
