package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageCacheTest {
    private static final List<String> TEXTS = List.of("one", "", "zw\u00f6lf \ud83d\ude00", "four ".repeat(1000));

    @TempDir
    Path dir;

    @Test
    void givesBackWhatWasPut() throws IOException {
        var cache = PageCache.open(dir, 1 << 20);
        assertThat(cache.get("a")).isEmpty();
        cache.put("a", TEXTS);
        cache.put("none", List.of());
        assertThat(cache.get("a")).contains(TEXTS);
        assertThat(cache.get("none")).contains(List.of());
        assertThat(PageCache.open(dir, 1 << 20).get("a")).contains(TEXTS);
        assertThat(cache.usage().pages()).isEqualTo(2);
        Files.writeString(dir.resolve("notes.txt"), "not ours");
        cache.clear();
        assertThat(cache.usage()).isEqualTo(new PageCache.Usage(0, 0));
        assertThat(dir.resolve("notes.txt")).exists();
    }

    @Test
    void aDamagedPageCountsAsAbsent() throws IOException {
        var cache = PageCache.open(dir, 1 << 20);
        cache.put("a", TEXTS);
        Path file = pages().getFirst();
        byte[] good = Files.readAllBytes(file);
        var random = new Random(1);
        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, bad);
            assertThat(cache.get("a").orElse(TEXTS)).as("byte %d", i).isEqualTo(TEXTS);
            Files.write(file, Arrays.copyOf(good, i));
            assertThat(cache.get("a")).as("%d bytes", i).isEmpty();
            assertThat(file).doesNotExist();
        }
        // Another page under this one's name.
        cache.put("b", List.of("other"));
        Files.createDirectories(file.getParent());
        Files.copy(pages().getFirst(), file);
        assertThat(cache.get("a")).isEmpty();
        assertThat(cache.get("b")).contains(List.of("other"));
    }

    @Test
    void whatWasNotReadForLongestGoesFirst() throws IOException {
        var cache = PageCache.open(dir, 1 << 20);
        for (int i = 0; i < 10; i++) {
            cache.put("page " + i, noise(i));
            for (Path file : pages()) {
                var time = Files.getLastModifiedTime(file).toInstant();
                Files.setLastModifiedTime(file, FileTime.from(time.minusSeconds(10)));
            }
        }
        assertThat(cache.get("page 0")).isPresent(); // read again: now the latest
        long each = cache.usage().bytes() / 10;
        var smaller = PageCache.open(dir, 4 * each + each / 2);
        assertThat(smaller.usage().pages()).isEqualTo(4);
        for (int i : new int[] {0, 7, 8, 9}) {
            assertThat(smaller.get("page " + i)).as("page %d", i).isPresent();
        }
        for (int i = 10; i < 40; i++) {
            smaller.put("page " + i, noise(i));
            assertThat(smaller.usage().bytes()).isLessThanOrEqualTo(smaller.quotaBytes());
        }
        PageCache.open(dir, 10).put("larger than the quota", noise(3));
        assertThat(pages()).isEmpty();
    }

    @Test
    void aFullOrForeignFolderIsNeverFatal() throws IOException {
        var cache = PageCache.open(dir.resolve("cache"), 1 << 20);
        cache.put("a", TEXTS);
        Path shard = pages().getFirst().getParent();
        Files.delete(pages().getFirst());
        Files.delete(shard);
        Files.writeString(shard, "a file where a folder should be");
        cache.put("a", TEXTS);
        assertThat(cache.get("a")).isEmpty();
    }

    @Test
    void temporaryFilesOfTheDeadAreDeleted() throws IOException {
        Path old = Files.writeString(dir.resolve("old.tmp"), "x");
        Path fresh = Files.writeString(dir.resolve("fresh.tmp"), "x");
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minusSeconds(7200)));
        PageCache.open(dir, 1 << 20);
        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
    }

    /** What is deleted to make room is the link, never what it leads to. */
    @Test
    void linksLeadNowhere() throws IOException {
        Path elsewhere = Files.createDirectories(dir.resolve("elsewhere"));
        Path precious = Files.writeString(elsewhere.resolve("precious.page"), "x".repeat(1000));
        Path folder = Files.createDirectories(dir.resolve("cache"));
        Files.createSymbolicLink(folder.resolve("folder"), elsewhere);
        Files.createSymbolicLink(folder.resolve("file.page"), precious);
        var cache = PageCache.open(folder, 100);
        assertThat(cache.usage().bytes()).isLessThan(1000);
        cache.clear();
        assertThat(precious).hasContent("x".repeat(1000));
    }

    @Test
    void twoProcessesMayShareAFolder() throws Exception {
        var caches = List.of(PageCache.open(dir, 20_000), PageCache.open(dir, 20_000));
        List<Callable<Boolean>> tasks = IntStream.range(0, 200)
                .<Callable<Boolean>>mapToObj(i -> () -> {
                    var cache = caches.get(i % 2);
                    cache.put("page " + i % 30, noise(i % 30));
                    return cache.get("page " + i % 30)
                            .map(noise(i % 30)::equals)
                            .orElse(true);
                })
                .toList();
        try (var threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> same : threads.invokeAll(tasks)) {
                assertThat(same.get()).isTrue();
            }
        }
    }

    /** Text that packs badly, some 2 KB. */
    private static List<String> noise(int seed) {
        var random = new Random(seed);
        var text = new StringBuilder();
        random.ints(2000, 'a', 'z').forEach(text::appendCodePoint);
        return List.of(text.toString());
    }

    private List<Path> pages() throws IOException {
        try (Stream<Path> files = Files.walk(dir)) {
            return new ArrayList<>(
                    files.filter(file -> file.toString().endsWith(".page")).toList());
        }
    }
}
