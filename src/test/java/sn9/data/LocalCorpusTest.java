package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sn9.MalformedDataException;
import sn9.data.PageSource.Split;

class LocalCorpusTest {
    @TempDir
    Path dir;

    @Test
    void readsEveryRowOfEveryFormatOnce() throws Exception {
        var texts = mixedCorpus(90);
        try (var corpus = LocalCorpus.open(dir, 1)) {
            var rows = new ArrayList<String>();
            for (Split split : Split.values()) {
                for (Page page : pages(corpus, split)) {
                    rows.addAll(page.texts());
                }
            }
            var expected =
                    texts.stream().flatMap(text -> Rows.of(text).stream()).toList();
            assertThat(rows).containsExactlyInAnyOrderElementsOf(expected);
            assertThat(corpus.describe()).contains("files=32", "documents=90", "train_pages=");
        }
    }

    @Test
    void pagesHaveAHundredRowsButForTheLast() throws Exception {
        mixedCorpus(300);
        try (var corpus = LocalCorpus.open(dir, 1)) {
            for (Split split : Split.values()) {
                List<Page> pages = pages(corpus, split);
                assertThat(pages).isNotEmpty();
                for (Page page : pages.subList(0, pages.size() - 1)) {
                    assertThat(page.texts()).hasSize(LocalCorpus.PAGE_ROWS);
                }
                assertThat(pages.getLast().texts()).isNotEmpty().hasSizeLessThanOrEqualTo(LocalCorpus.PAGE_ROWS);
                assertThat(pages.stream().mapToLong(page -> page.texts().size()).sum())
                        .isEqualTo(corpus.rows(split));
            }
        }
    }

    @Test
    void noDocumentIsInTwoSplits() throws Exception {
        // Three documents are there twice, in different formats.
        var texts = mixedCorpus(300);
        Files.writeString(dir.resolve("again-1.txt"), texts.get(100));
        Files.writeString(dir.resolve("again-2.txt"), texts.get(101));
        Files.writeString(dir.resolve("again-3.txt"), texts.get(200));
        for (long seed = 0; seed < 5; seed++) {
            try (var corpus = LocalCorpus.open(dir, seed)) {
                Map<String, Split> splitOfRow = splits(corpus);
                Set<Split> used = new HashSet<>(splitOfRow.values());
                assertThat(used).hasSize(3);
                for (String text : texts) {
                    // Two documents may well have the same short row.
                    assertThat(Rows.of(text).stream()
                                    .filter(row -> row.length() > 40)
                                    .map(splitOfRow::get)
                                    .distinct()
                                    .toList())
                            .hasSizeLessThanOrEqualTo(1);
                }
            }
        }
    }

    @Test
    void splitsAreAboutEightToOneToOneAndFollowTheSeed() throws Exception {
        var lines = new StringBuilder();
        for (int i = 0; i < 5000; i++) {
            lines.append("{\"text\":\"document ").append(i).append("\"}\n");
        }
        Path file = dir.resolve("all.jsonl");
        Files.writeString(file, lines);
        try (var one = LocalCorpus.open(file, 1);
                var same = LocalCorpus.open(file, 1);
                var other = LocalCorpus.open(file, 2)) {
            assertThat(one.rows(Split.TRAIN)).isBetween(3900L, 4100L);
            assertThat(one.rows(Split.HELD_OUT)).isBetween(430L, 570L);
            assertThat(one.rows(Split.EVAL)).isBetween(430L, 570L);
            assertThat(splits(one)).isEqualTo(splits(same)).isNotEqualTo(splits(other));
        }
    }

    @Test
    void aDocumentStaysInItsSplitWhenTheCorpusGrows() throws Exception {
        mixedCorpus(120);
        Map<String, Split> before;
        try (var corpus = LocalCorpus.open(dir, 3)) {
            before = splits(corpus);
        }
        Files.writeString(dir.resolve("0-first.txt"), "something new at the very beginning");
        try (var corpus = LocalCorpus.open(dir, 3)) {
            assertThat(splits(corpus)).containsAllEntriesOf(before);
        }
    }

    @Test
    void threeDocumentsFillThreeSplitsWhateverTheSeed() throws Exception {
        for (int i = 0; i < 3; i++) {
            Files.writeString(dir.resolve(i + ".txt"), "document " + i);
        }
        for (long seed = 0; seed < 50; seed++) {
            try (var corpus = LocalCorpus.open(dir, seed)) {
                for (Split split : Split.values()) {
                    assertThat(corpus.pages(split)).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void fewerThanThreeDifferentDocumentsAreRefused() throws Exception {
        Files.writeString(dir.resolve("1.txt"), "one");
        Files.writeString(dir.resolve("2.txt"), "two");
        Files.writeString(dir.resolve("3.txt"), " two\n");
        assertThatThrownBy(() -> LocalCorpus.open(dir, 1))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("at least 3 different documents")
                .hasMessageContaining("found 3");
    }

    @ParameterizedTest
    @EnumSource(Split.class)
    void drawsDifferentPagesBySeedOnly(Split split) throws Exception {
        mixedCorpus(600);
        try (var corpus = LocalCorpus.open(dir, 1)) {
            int all = (int) corpus.pages(split);
            long[] drawn = corpus.draw(split, all, new Random(5));
            assertThat(drawn).doesNotHaveDuplicates().hasSize(all);
            assertThat(corpus.draw(split, all, new Random(5))).isEqualTo(drawn);
            assertThat(corpus.draw(split, 0, new Random(5))).isEmpty();
            for (Split other : Split.values()) {
                if (other != split) {
                    assertThat(corpus.draw(other, (int) corpus.pages(other), new Random(5)))
                            .doesNotContain(drawn);
                }
            }
            assertThatThrownBy(() -> corpus.draw(split, all + 1, new Random(5)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("has " + all);
        }
    }

    @Test
    void drawsEveryPageAboutEquallyOften() throws Exception {
        mixedCorpus(900);
        try (var corpus = LocalCorpus.open(dir, 1)) {
            int pages = (int) corpus.pages(Split.TRAIN);
            assertThat(pages).isGreaterThan(5);
            var counts = new HashMap<Long, Integer>();
            var random = new Random(1);
            for (int i = 0; i < 1000 * pages; i++) {
                counts.merge(corpus.draw(Split.TRAIN, 2, random)[1], 1, Integer::sum);
            }
            assertThat(counts).hasSize(pages);
            assertThat(counts.values()).allSatisfy(count -> assertThat(count).isBetween(850, 1150));
        }
    }

    @Test
    void pageNumbersOutsideAreRefused() throws Exception {
        mixedCorpus(30);
        try (var corpus = LocalCorpus.open(dir, 1)) {
            assertThatThrownBy(() -> corpus.page(-1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> corpus.page(1000))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("page 1000");
        }
    }

    @Test
    void severalThreadsReadTheSamePages() throws Exception {
        mixedCorpus(300);
        try (var corpus = LocalCorpus.open(dir, 1);
                var threads = Executors.newFixedThreadPool(4)) {
            List<Page> expected = pages(corpus, Split.TRAIN);
            List<Callable<List<Page>>> tasks = IntStream.range(0, 8)
                    .<Callable<List<Page>>>mapToObj(i -> () -> pages(corpus, Split.TRAIN))
                    .toList();
            for (var pages : threads.invokeAll(tasks)) {
                assertThat(pages.get()).isEqualTo(expected);
            }
        }
    }

    @Test
    void aMissingOrEmptyCorpusSaysHowToGetOne() throws Exception {
        assertThatThrownBy(() -> LocalCorpus.open(dir.resolve("none"), 1))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("scripts/fetch-corpus.sh");
        Files.writeString(dir.resolve("README.md"), "not text to train on");
        Files.writeString(dir.resolve("blank.txt"), " \n ");
        assertThatThrownBy(() -> LocalCorpus.open(dir, 1))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("no text in")
                .hasMessageContaining("scripts/fetch-corpus.sh");
        assertThatThrownBy(() -> LocalCorpus.open(dir.resolve("README.md"), 1))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("expected a .txt, .jsonl or .parquet file");
    }

    @Test
    void passesOverHiddenFilesAndFollowsLinks() throws Exception {
        mixedCorpus(30);
        Files.createDirectories(dir.resolve(".fetch.1"));
        Files.writeString(dir.resolve(".fetch.1/half.txt"), "half of a text");
        Path link = Files.createTempDirectory("sn9-corpus").resolve("link");
        Files.createSymbolicLink(link, dir);
        try (var corpus = LocalCorpus.open(link, 1)) {
            assertThat(corpus.describe()).contains("documents=30");
        }
        Files.createSymbolicLink(dir.resolve("sub-loop"), dir);
        assertThatThrownBy(() -> LocalCorpus.open(dir, 1)).isInstanceOf(IOException.class);
    }

    @Test
    void aFileThatChangedIsNoticed() throws Exception {
        mixedCorpus(90);
        try (var corpus = LocalCorpus.open(dir, 1)) {
            for (Path file : List.of(dir.resolve("b.jsonl"), dir.resolve("c.parquet"))) {
                Files.setLastModifiedTime(file, FileTime.fromMillis(0));
            }
            assertThatThrownBy(() -> pages(corpus, Split.TRAIN))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("changed after it was indexed");
        }
    }

    @Test
    void textFilesAreReadThroughAWindow() throws Exception {
        // Far larger than the window, with characters of all widths across its edges and a byte order mark.
        String text = RowsTest.text(new Random(17), 2_000_000) + "\ud83d\ude00".repeat(100_000);
        Files.writeString(dir.resolve("1.txt"), "\ufeff" + text);
        Files.writeString(dir.resolve("2.txt"), "two");
        Files.writeString(dir.resolve("3.txt"), "three");
        try (var corpus = LocalCorpus.open(dir, 1)) {
            var rows = new ArrayList<String>();
            for (Split split : Split.values()) {
                pages(corpus, split).forEach(page -> rows.addAll(page.texts()));
            }
            rows.removeAll(List.of("two", "three"));
            assertThat(rows).isEqualTo(Rows.of(text));
        }
    }

    @Test
    void textThatIsNoUtf8IsRefusedWithItsPlace() throws Exception {
        byte[] bytes = "a sentence. ".repeat(20_000).getBytes(StandardCharsets.UTF_8);
        bytes[150_001] = (byte) 0xE9;
        Files.write(dir.resolve("latin.txt"), bytes);
        assertThatThrownBy(() -> LocalCorpus.open(dir, 1))
                .isInstanceOfSatisfying(MalformedDataException.class, e -> assertThat(e.offset())
                        .isEqualTo(150_001))
                .hasMessageContaining("latin.txt")
                .hasMessageContaining("UTF-8");
        Files.write(dir.resolve("latin.txt"), new byte[] {'c', 'u', 't', (byte) 0xF0, (byte) 0x9F});
        assertThatThrownBy(() -> LocalCorpus.open(dir, 1)).isInstanceOf(MalformedDataException.class);
    }

    /** Documents in 30 text files, one jsonl and one parquet file; a third of them long. */
    private List<String> mixedCorpus(int documents) throws IOException {
        var texts = new ArrayList<String>();
        var random = new Random(documents);
        for (int i = 0; i < documents; i++) {
            texts.add("Document " + i + ". " + RowsTest.text(random, i % 3 == 0 ? 20_000 : 200) + " End " + i);
        }
        int third = (documents - 30) / 2 + 30;
        Files.createDirectories(dir.resolve("a/deep"));
        for (int i = 0; i < 30 && i < documents; i++) {
            Files.writeString(dir.resolve((i % 2 == 0 ? "a/" : "a/deep/") + i + ".txt"), texts.get(i) + "\n");
        }
        var lines = new StringBuilder();
        for (int i = 30; i < third; i++) {
            lines.append(JsonLinesFileTest.line(i % 2 == 0 ? "text" : "content", texts.get(i)));
        }
        Files.writeString(dir.resolve("b.jsonl"), lines);
        ParquetFileTest.write(dir.resolve("c.parquet"), texts.subList(Math.min(third, documents), documents));
        return texts;
    }

    private static List<Page> pages(LocalCorpus corpus, Split split) throws IOException {
        long first = LongStream.of(corpus.draw(split, (int) corpus.pages(split), new Random(1)))
                .min()
                .orElseThrow();
        var pages = new ArrayList<Page>();
        for (long i = 0; i < corpus.pages(split); i++) {
            pages.add(corpus.page(first + i));
        }
        return pages;
    }

    private static Map<String, Split> splits(LocalCorpus corpus) throws IOException {
        var splits = new HashMap<String, Split>();
        for (Split split : Split.values()) {
            for (Page page : pages(corpus, split)) {
                page.texts().forEach(row -> splits.put(row, split));
            }
        }
        return splits;
    }
}
