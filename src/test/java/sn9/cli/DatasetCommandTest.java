package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.data.FaultyDatasetServer;
import sn9.localnet.dataset.DatasetServer;

class DatasetCommandTest {
    @TempDir
    Path dir;

    private FaultyDatasetServer server;

    @BeforeEach
    void start() throws Exception {
        var texts = new TreeMap<String, List<String>>();
        texts.put("a", rows("one", 2500));
        texts.put("b", rows("two", 1200));
        server = new FaultyDatasetServer(FaultyDatasetServer.writeParquet(dir.resolve("dataset"), texts));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void pagesAreFetchedOnceAndThenCached() throws Exception {
        var first = json(run("dataset", "pages", "--pages", "4", "--seed", "3"));
        assertThat(first.path("pages")).hasSize(4);
        for (JsonNode page : first.path("pages")) {
            assertThat(page.path("rows").asInt()).isEqualTo(100);
            assertThat(page.path("tokens").asInt()).isGreaterThan(500);
        }
        int requests = server.requests().size();
        assertThat(json(run("dataset", "pages", "--pages", "4", "--seed", "3"))).isEqualTo(first);
        assertThat(server.requests())
                .as("the size is asked again, the pages are not")
                .hasSize(requests + 1);

        var kept = json(CommandLineRun.of("dataset", "cache", "--page_cache", cache(), "--json"));
        assertThat(kept.path("pages").asInt()).isEqualTo(4);
        assertThat(kept.path("bytes").asLong()).isPositive();
        assertThat(run("dataset", "pages", "--page_cache_gb", "0").exitCode()).isEqualTo(ExitCode.DONE);
        assertThat(json(CommandLineRun.of("dataset", "cache", "--page_cache", cache(), "--json")))
                .as("0 keeps nothing and deletes nothing")
                .isEqualTo(kept);
        assertThat(json(CommandLineRun.of("dataset", "cache", "--page_cache", cache(), "--clear", "--json"))
                        .path("pages")
                        .asInt())
                .isZero();
    }

    @Test
    void parquetGivesPagesOfTheSameRows() throws Exception {
        var stats = json(run("dataset", "stats", "--dataset_api", "parquet", "--pages", "3"));
        assertThat(stats.path("train_pages").asInt()).isEqualTo(33);
        assertThat(stats.path("eval_pages").asInt()).isEqualTo(2);
        assertThat(stats.path("sample_pages").asInt()).isEqualTo(3);
        assertThat(stats.path("sample").path("rows").asInt()).isEqualTo(300);
        assertThat(stats.path("source").asText()).contains("api=parquet files=2 row_groups=2 rows=3700");
    }

    /** Seed 42: the rows of spec/subnet.md C 7, without a request to the dataset server of the reference. */
    @Test
    void theReferencesChoiceIsPythons() throws Exception {
        var run = CommandLineRun.of(
                "dataset",
                "pages",
                "--dataset",
                "tiiuae/falcon-refinedweb",
                "--page_choice",
                "reference",
                "--seed",
                "42",
                "--pages",
                "5",
                "--no_fetch",
                "--page_cache",
                cache(),
                "--json");
        assertThat(Stream.iterate(0, i -> i < 5, i -> i + 1)
                        .map(i -> jsonOf(run).path("pages").path(i).path("page").asLong()))
                .containsExactly(686579304L, 119540832L, 26855093L, 796233791L, 295310486L);
        var shared = CommandLineRun.of(
                "dataset",
                "pages",
                "--dataset",
                "tiiuae/falcon-refinedweb",
                "--page_choice",
                "reference",
                "--block_hash",
                "0x" + "ab".repeat(32),
                "--no_fetch",
                "--page_cache",
                cache(),
                "--json");
        assertThat(jsonOf(shared).path("pages").path(0).path("page").asLong()).isEqualTo(894144841);
        var wrong = CommandLineRun.of("dataset", "pages", "--block_hash", "0x" + "ab".repeat(32), "--json");
        assertThat(wrong.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(wrong.err()).contains("--page_choice reference");
    }

    @Test
    void aPageThatCannotBeReadIsNamed() throws Exception {
        server.faults(request -> request.getUrl().encodedPath().equals("/rows")
                ? FaultyDatasetServer.failure(422, "InvalidParameter", "no such rows")
                : null);
        var run = run("dataset", "pages", "--pages", "1");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(jsonOf(run).path("pages").path(0).path("failure").asText())
                .contains("422 InvalidParameter no such rows");
    }

    @Test
    void theTokenOfTheEnvironmentIsSentAndNeverShown() throws Exception {
        var run = CommandLineRun.of(
                Commands.all(),
                Map.of("HF_ENDPOINT", server.address(), "HF_TOKEN", "hf_verysecret"),
                "dataset",
                "pages",
                "--dataset",
                DatasetServer.ID,
                "--pages",
                "1",
                "--page_cache",
                cache(),
                "--json");
        assertThat(run.exitCode()).isEqualTo(ExitCode.DONE);
        assertThat(server.requests().getLast().getHeaders().get("Authorization"))
                .isEqualTo("Bearer hf_verysecret");
        assertThat(run.out() + run.err()).doesNotContain("verysecret");
    }

    @Test
    void textOfALocalCorpusIsPrinted() throws Exception {
        Path corpus = Files.createDirectory(dir.resolve("corpus"));
        for (int i = 0; i < 5; i++) {
            Files.writeString(corpus.resolve(i + ".txt"), "Document " + i + " has \u001b[31m words.");
        }
        var run = CommandLineRun.of("dataset", "pages", "--corpus", corpus.toString(), "--pages", "1", "--text");
        assertThat(run.exitCode()).isEqualTo(ExitCode.DONE);
        assertThat(run.out()).contains("row 0").contains("has ?[31m words.").doesNotContain("\u001b[31m");
    }

    @Test
    void impossibleNamesAreWrongUsage() {
        for (String[] flags : new String[][] {
            {"--dataset", "../etc"}, {"--dataset", "a/b", "--dataset_endpoint", "ftp://x"},
            {"--dataset", "a/b", "--page_cache_gb", "-1"}, {"--dataset", "a/b", "--page_choice", "best"},
        }) {
            var run = CommandLineRun.of(Stream.concat(Stream.of("dataset", "stats"), Stream.of(flags))
                    .toArray(String[]::new));
            assertThat(run.exitCode()).as(String.join(" ", flags)).isEqualTo(ExitCode.USAGE);
        }
    }

    private CommandLineRun run(String... command) {
        return CommandLineRun.of(Stream.concat(
                        Stream.of(command),
                        Stream.of(
                                "--dataset",
                                DatasetServer.ID,
                                "--dataset_endpoint",
                                server.address(),
                                "--page_cache",
                                cache(),
                                "--json"))
                .toArray(String[]::new));
    }

    private String cache() {
        return dir.resolve("cache").toString();
    }

    private static JsonNode json(CommandLineRun run) {
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.DONE);
        return jsonOf(run);
    }

    private static JsonNode jsonOf(CommandLineRun run) {
        try {
            return new ObjectMapper().readTree(run.out());
        } catch (IOException e) {
            throw new AssertionError(run.out() + run.err(), e);
        }
    }

    private static List<String> rows(String kind, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "Row " + i + " of " + kind + " says a few words, and then it ends.")
                .toList();
    }
}
