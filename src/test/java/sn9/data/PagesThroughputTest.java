package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import sn9.data.PageSource.Split;
import sn9.http.Http;
import sn9.localnet.dataset.DatasetServer;
import sn9.tokenizer.Gpt2Tokenizer;

/**
 * A hundred pages from the loopback dataset server, tokenised and packed: says how fast, and that nothing is lost. Text is
 * that of {@code -Dsn9.corpus=FOLDER}, else this repository's own. Server and client share the machine.
 */
@Tag("slow")
class PagesThroughputTest {
    private static final int PAGES = 100;
    private static final int ROUNDS = 4;

    @TempDir
    Path dir;

    enum Reading {
        ROWS,
        PARQUET
    }

    @ParameterizedTest
    @EnumSource(Reading.class)
    void hundredPagesAreFetchedTokenisedAndPacked(Reading reading) throws Exception {
        var configs = Map.of("default", texts());
        Path folder = reading == Reading.ROWS
                ? FaultyDatasetServer.writeLines(dir, configs)
                : FaultyDatasetServer.writeParquet(dir, configs);
        try (var server = DatasetServer.start(folder, 0)) {
            var dataset = new Dataset(DatasetServer.ID, List.of(), "train");
            var api = new DatasetApi(Http.standard(), server.address().toString(), Optional.empty(), dataset);
            DatasetRows rows = reading == Reading.ROWS ? RowsApi.open(api) : ParquetRows.open(api, 0);
            try (var source = new DatasetPages(rows, DatasetPages.Choice.DISTINCT)) {
                long[] numbers = source.draw(Split.TRAIN, PAGES, new SplittableRandom(1));
                var packer = new Packer(new Gpt2Tokenizer(), 4, 1024, Integer.MAX_VALUE);
                var read = new ArrayList<Page>();
                for (long number : numbers) {
                    read.add(source.page(number));
                }
                long bytes = read.stream()
                        .flatMap(page -> page.texts().stream())
                        .mapToLong(text -> text.getBytes(StandardCharsets.UTF_8).length)
                        .sum();
                int expected = packer.pack(read).size();
                for (int round = 0; round < ROUNDS; round++) {
                    long start = System.nanoTime();
                    int batches = 0;
                    try (var prefetched = new PrefetchedBatches(source, numbers, new long[0], packer)) {
                        while (prefetched.next().isPresent()) {
                            batches++;
                        }
                    }
                    double seconds = (System.nanoTime() - start) / 1e9;
                    System.out.printf(
                            "%s: %d pages of %.1f MB in %.2f s, %.1f MB/s%n",
                            reading, PAGES, bytes / 1e6, seconds, bytes / 1e6 / seconds);
                    assertThat(batches).isEqualTo(expected);
                }
            }
        }
    }

    /** Rows for some hundred and fifty pages; less text is taken again and again. */
    private static List<String> texts() throws Exception {
        String folder = System.getProperty("sn9.corpus", "docs");
        var rows = new ArrayList<String>();
        try (Stream<Path> walk = Files.walk(Path.of(folder))) {
            for (Path file : walk.filter(path -> path.toString().matches(".*\\.(txt|md)"))
                    .sorted()
                    .toList()) {
                rows.addAll(Rows.of(Files.readString(file)));
            }
        }
        var texts = new ArrayList<String>();
        while (texts.size() < 150 * LocalCorpus.PAGE_ROWS) {
            texts.addAll(rows.subList(0, Math.min(rows.size(), 150 * LocalCorpus.PAGE_ROWS - texts.size())));
        }
        return texts;
    }
}
