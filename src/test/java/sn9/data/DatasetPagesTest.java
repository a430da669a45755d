package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import mockwebserver3.MockResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.Secret;
import sn9.data.DatasetPages.Choice;
import sn9.data.DatasetRows.Segment;
import sn9.data.PageSource.Split;
import sn9.http.Http;
import sn9.http.Retry;
import sn9.localnet.dataset.DatasetServer;

class DatasetPagesTest {
    private static final int ONE = 2550;
    private static final int TWO = 1001;

    @TempDir
    Path dir;

    private FaultyDatasetServer server;
    private Http http;

    @BeforeEach
    void start() throws IOException {
        var texts = new TreeMap<String, List<String>>();
        texts.put("CC-1", texts("one", ONE));
        texts.put("CC-2", texts("two", TWO));
        texts.put("default", texts("all", 10));
        server = new FaultyDatasetServer(FaultyDatasetServer.writeParquet(dir.resolve("corpus"), texts));
        var retry = new Retry(
                2,
                Duration.ofSeconds(1),
                Duration.ofSeconds(8),
                Duration.ofMinutes(1),
                _ -> {},
                InstantSource.system());
        http = new Http(Duration.ofSeconds(20), retry);
    }

    @AfterEach
    void stop() {
        http.close();
        server.close();
    }

    @Test
    void pagesByRowsAreAlignedAndDistinct() throws Exception {
        var pages = new DatasetPages(RowsApi.open(api()), Choice.DISTINCT);
        assertEveryRowIsInOnePage(pages);
        assertThat(server.requests().getLast().getUrl().queryParameterNames())
                .containsExactly("dataset", "config", "split", "offset", "length");
        assertThat(server.requests().getLast().getUrl().queryParameter("length"))
                .isEqualTo("100");
    }

    @Test
    void pagesByParquetAreAlignedAndDistinct() throws Exception {
        var pages = new DatasetPages(ParquetRows.open(api(), 0), Choice.DISTINCT);
        assertEveryRowIsInOnePage(pages);
        assertThat(server.requests().getLast().getHeaders().get("Range")).startsWith("bytes=");
    }

    /** Twenty consecutive pages are 1 + 1 + 18, so no document is in two splits. */
    private static void assertEveryRowIsInOnePage(DatasetPages pages) throws Exception {
        assertThat(List.of(pages.pages(Split.EVAL), pages.pages(Split.HELD_OUT), pages.pages(Split.TRAIN)))
                .containsExactly(2L, 2L, 33L);
        var rows = new HashSet<String>();
        int read = 0;
        for (Split split : Split.values()) {
            int count = (int) pages.pages(split);
            long[] drawn = pages.draw(split, count, new SplittableRandom(1));
            assertThat(Arrays.stream(drawn).distinct().count()).isEqualTo(count);
            for (long number : drawn) {
                List<String> texts = pages.page(number).texts();
                rows.addAll(texts);
                read += texts.size();
            }
            assertThatThrownBy(() -> pages.draw(split, count + 1, new SplittableRandom(1)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(read).isEqualTo(ONE + TWO);
        var expected = new HashSet<>(texts("one", ONE));
        expected.addAll(texts("two", TWO));
        assertThat(rows).isEqualTo(expected);
    }

    @Test
    void thePagesOfRowsAndOfParquetHoldTheSameText() throws Exception {
        var only = new DatasetApi(http, server.address(), Optional.empty(), dataset("CC-1"));
        var rows = RowsApi.open(only);
        var parquet = ParquetRows.open(only, 0);
        for (int from : new int[] {0, 100, 900, 1000, 2500}) {
            long at = from;
            for (Segment segment : parquet.segments()) {
                if (at >= 0 && at < segment.rows()) {
                    assertThat(parquet.read(segment, at, 100))
                            .isEqualTo(rows.read(rows.segments().getFirst(), from, 100)
                                    .subList(0, (int) Math.min(100, segment.rows() - at)));
                }
                at -= segment.rows();
            }
        }
    }

    /** randint(1, rows) for one configuration; choice and randint(0, rows - 1 - 100) for several. */
    @Test
    void theReferencesChoiceIsPythons() throws Exception {
        var falcon = new DatasetPages(
                RowsApi.open(new DatasetApi(http, server.address(), Optional.empty(), Dataset.FALCON)),
                Choice.REFERENCE);
        assertThat(falcon.draw(Split.EVAL, 5, new PythonRandom(42)))
                .containsExactly(686579304, 119540832, 26855093, 796233791, 295310486);
        assertThat(server.requests())
                .as("the size is a constant of the reference")
                .isEmpty();

        var several = new DatasetPages(RowsApi.open(api()), Choice.REFERENCE);
        long[] drawn = several.draw(Split.TRAIN, 4, new PythonRandom(42));
        var python = new PythonRandom(42);
        for (long number : drawn) {
            boolean first = python.nextInt(2) == 0;
            int offset = (int) python.nextLong(0, (first ? ONE : TWO) - 100);
            assertThat(number).isEqualTo(first ? offset : ONE + offset);
            assertThat(several.page(number).texts())
                    .isEqualTo((first ? texts("one", ONE) : texts("two", TWO)).subList(offset, offset + 100));
        }
    }

    /** Drawn by CPython 3.11 after random.seed(42), in the words of macrocosm-os/pretraining's loader. */
    @Test
    void theNetworksChoiceOfFineWebIsPythons() throws Exception {
        var pages = new DatasetPages(RowsApi.open(api()), Choice.FINEWEB);
        assertThat(pages.draw(Split.EVAL, 8, new PythonRandom(42)))
                .containsExactly(90, ONE + 390, 440, 2190, 1890, ONE + 90, 290, 740);
        assertThat(pages.page(40).texts()).isEqualTo(texts("one", ONE).subList(40, 90));
        assertThat(pages.page(ONE + 960).texts()).isEqualTo(texts("two", TWO).subList(960, TWO));
        assertThat(pages.draw(Split.EVAL, 30, new SplittableRandom(1))).doesNotHaveDuplicates();
        assertThatThrownBy(() -> pages.draw(Split.EVAL, 72, new SplittableRandom(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("different pages");
    }

    @Test
    void theReferencesLastPagesAreShortOrEmpty() throws Exception {
        var pages = new DatasetPages(
                RowsApi.open(new DatasetApi(http, server.address(), Optional.empty(), dataset("CC-2"))),
                Choice.REFERENCE);
        assertThat(pages.page(TWO - 30).texts()).hasSize(30);
        assertThat(pages.page(TWO).texts()).isEmpty();
        assertThatThrownBy(() -> pages.page(TWO + 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aTokenGoesToTheHubAlone() throws Exception {
        var api = new DatasetApi(http, server.address(), Optional.of(new Secret("hf_secret")), dataset("CC-1"));
        var rows = ParquetRows.open(api, 0);
        rows.read(rows.segments().getFirst(), 0, 1);
        assertThat(server.requests())
                .allSatisfy(request ->
                        assertThat(request.getHeaders().get("Authorization")).isEqualTo("Bearer hf_secret"));
        var one = Map.of("default", List.of("x"));
        try (var other = new FaultyDatasetServer(FaultyDatasetServer.writeLines(dir.resolve("other"), one))) {
            other.faults(_ -> new MockResponse.Builder().code(206).body("x").build());
            assertThat(api.range(other.address() + "file", 0, 1)).hasSize(1);
            assertThat(other.requests().getFirst().getHeaders().get("Authorization"))
                    .isNull();
        }
    }

    @Test
    void aPageThatFailsForGoodIsReplaced() throws Exception {
        server.faults(request -> "300".equals(request.getUrl().queryParameter("offset"))
                ? FaultyDatasetServer.failure(500, "ResponseNotReady", "the answer is not ready")
                : null);
        var pages = new DatasetPages(RowsApi.open(api()), Choice.DISTINCT);
        assertThatThrownBy(() -> pages.page(3))
                .isInstanceOf(RemoteCallException.class)
                .hasMessageContaining("500 ResponseNotReady the answer is not ready")
                .hasMessageContaining("offset=300");
        long tries = server.requests().stream()
                .filter(request -> "300".equals(request.getUrl().queryParameter("offset")))
                .count();
        assertThat(tries).as("one try and two repeats").isEqualTo(3);
        var packer = new Packer(new sn9.tokenizer.Gpt2Tokenizer(), 1, 8);
        try (var batches = new PrefetchedBatches(pages, new long[] {2, 3}, new long[] {7}, packer)) {
            int count = 0;
            while (batches.next().isPresent()) {
                count++;
            }
            assertThat(count)
                    .isEqualTo(
                            packer.pack(List.of(pages.page(2), pages.page(7))).size());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"rows\":7}",
                "not json",
                "{\"rows\":[{\"row_idx\":5,\"row\":{\"text\":\"x\"}}]}",
                "{\"rows\":[{\"row_idx\":0,\"row\":{\"url\":\"x\"}}]}",
                "{\"rows\":[{\"row_idx\":0,\"row\":{\"text\":5}}]}",
                "{\"rows\":[[]]}",
            })
    void refusesAnswersThatAreNoRows(String answer) {
        server.faults(_ -> new MockResponse.Builder().body(answer).build());
        assertThatThrownBy(() -> api().rows("CC-1", 0, 100)).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void leavesOutRowsWhoseTextIsCut() throws Exception {
        server.faults(_ -> new MockResponse.Builder()
                .body("{\"rows\":[{\"row_idx\":0,\"row\":{\"text\":\"cut\"},\"truncated_cells\":[\"text\"]},"
                        + "{\"row_idx\":1,\"row\":{\"text\":\"whole\"},\"truncated_cells\":[\"image\"]}]}")
                .build());
        assertThat(api().rows("CC-1", 0, 100)).containsExactly("whole");
    }

    @Test
    void aParquetFileThatIsDamagedIsLeftOut() throws Exception {
        server.faults(request -> request.getUrl().encodedPath().contains("/CC-1/")
                ? FaultyDatasetServer.failure(404, "EntryNotFound", "gone")
                : null);
        assertThat(ParquetRows.open(api(), 0).segments().stream()
                        .mapToLong(Segment::rows)
                        .sum())
                .isEqualTo(TWO);
        server.faults(request ->
                request.getHeaders().get("Range") == null ? null : FaultyDatasetServer.failure(403, "", "no"));
        assertThatThrownBy(() -> ParquetRows.open(api(), 0))
                .isInstanceOf(RemoteCallException.class)
                .hasMessageContaining("403");
    }

    @Test
    void aServerThatIgnoresRangesIsRefused() throws Exception {
        server.faults(request -> request.getHeaders().get("Range") == null
                ? null
                : new MockResponse.Builder().body("x".repeat(3_000_000)).build());
        assertThatThrownBy(() -> ParquetRows.open(api(), 0)).isInstanceOf(MalformedDataException.class);
    }

    @ParameterizedTest
    @EnumSource(Choice.class)
    void whatIsCachedIsNotFetchedAgain(Choice choice) throws Exception {
        var cache = PageCache.open(dir.resolve("cache"), 1 << 20);
        var rows = new CachedRows(RowsApi.open(api()), cache);
        var pages = new DatasetPages(rows, choice);
        long[] drawn = pages.draw(Split.TRAIN, 3, new SplittableRandom(4));
        for (long number : drawn) {
            assertThat(pages.page(number)).isEqualTo(pages.page(number));
        }
        assertThat(server.requests())
                .hasSize(1 + Set.of(drawn[0], drawn[1], drawn[2]).size());
        server.faults(_ -> FaultyDatasetServer.failure(500, "", "down"));
        assertThat(pages.page(drawn[1]).texts()).hasSize(choice == Choice.FINEWEB ? 50 : 100);
    }

    @Test
    void refusesADatasetWithoutWhatIsWanted() {
        assertThatThrownBy(
                        () -> RowsApi.open(new DatasetApi(http, server.address(), Optional.empty(), dataset("CC-9"))))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("CC-9");
        assertThatThrownBy(() -> new Dataset("../../etc", List.of(), "train"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new DatasetPages(
                        RowsApi.open(new DatasetApi(http, server.address(), Optional.empty(), dataset("default"))),
                        Choice.DISTINCT))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("at least 3 pages");
    }

    private DatasetApi api() {
        return new DatasetApi(http, server.address(), Optional.empty(), dataset());
    }

    private static Dataset dataset(String... configs) {
        return new Dataset(DatasetServer.ID, List.of(configs), "train");
    }

    private static List<String> texts(String kind, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "Row " + i + " of " + kind + ".")
                .toList();
    }
}
