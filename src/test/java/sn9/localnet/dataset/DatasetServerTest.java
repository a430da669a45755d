package sn9.localnet.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sn9.MalformedDataException;

class DatasetServerTest {
    private static final String ROWS = "/rows?dataset=local%2Fcorpus&config=one&split=train";

    @TempDir
    Path corpus;

    private final HttpClient client = HttpClient.newHttpClient();
    private DatasetServer server;

    @BeforeEach
    void serve() throws IOException {
        var lines = new StringBuilder();
        for (int i = 0; i < 250; i++) {
            lines.append("{\"text\":\"Row ").append(i).append(" of one.\"}\n");
        }
        Files.writeString(Files.createDirectories(corpus.resolve("one")).resolve("rows.jsonl"), lines);
        Files.writeString(Files.createDirectories(corpus.resolve("two")).resolve("a.txt"), "The only row of two.");
        server = DatasetServer.start(corpus, 0);
    }

    @AfterEach
    void stop() {
        server.close();
        client.close();
    }

    /** The forms of spec/hub.md 5. */
    @Test
    void answersAsTheDatasetViewerDoes() throws Exception {
        var size = json(get("/size?dataset=local/corpus")).path("size");
        assertThat(size.path("dataset").path("num_rows").asInt()).isEqualTo(251);
        assertThat(size.path("splits"))
                .extracting(split -> split.path("config").asText() + " "
                        + split.path("split").asText() + " " + split.path("num_rows"))
                .containsExactly("one train 250", "two train 1");
        var page = json(get(ROWS + "&offset=180&length=100"));
        assertThat(page.path("num_rows_total").asInt()).isEqualTo(250);
        assertThat(page.path("rows")).hasSize(70);
        assertThat(page.path("rows").get(0).toString())
                .isEqualTo("{\"row_idx\":180,\"row\":{\"text\":\"Row 180 of one.\"},\"truncated_cells\":[]}");
        assertThat(json(get(ROWS)).path("rows")).as("without a length").hasSize(100);
        assertThat(json(get(ROWS + "&offset=250")).path("rows")).isEmpty();
        assertThat(json(get(ROWS + "&offset=999999999999")).path("rows")).isEmpty();
        assertThat(json(get("/splits?dataset=local/corpus")).path("splits")).hasSize(2);
        assertThat(json(get("/parquet?dataset=local/corpus")).path("parquet_files"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "/size, 404, ResponseNotFound",
        "/size?dataset=someone/else, 404, ResponseNotFound",
        "/rows?dataset=local/corpus&split=train, 422, MissingRequiredParameter",
        "/rows?dataset=local/corpus&config=one, 422, MissingRequiredParameter",
        "/rows?dataset=local/corpus&config=three&split=train, 404, ResponseNotFound",
        "/rows?dataset=local/corpus&config=one&split=test, 404, ResponseNotFound",
        "/rows?dataset=local/corpus&config=one&split=train&length=101, 422, InvalidParameter",
        "/rows?dataset=local/corpus&config=one&split=train&length=x, 422, InvalidParameter",
        "/rows?dataset=local/corpus&config=one&split=train&offset=-1, 422, InvalidParameter",
        "/search?dataset=local/corpus, 404, EntryNotFound",
        "/datasets/local/corpus/resolve/main/one/train/0000.parquet, 404, EntryNotFound",
        "/datasets/local/corpus/resolve/main/one/train/..%2Frows.jsonl, 404, EntryNotFound",
    })
    void refusesWhatItHasNot(String path, int status, String code) throws Exception {
        var answer = get(path);
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("X-Error-Code")).hasValue(code);
        assertThat(json(answer).path("error").asText()).isNotEmpty();
    }

    @Test
    void aFolderWithTextIsOneConfiguration() throws Exception {
        try (var one = DatasetServer.start(corpus.resolve("one"), 0)) {
            var answer = client.send(
                    HttpRequest.newBuilder(URI.create(one.address() + "/splits?dataset=local/corpus"))
                            .build(),
                    HttpResponse.BodyHandlers.ofByteArray());
            assertThat(json(answer).path("splits").findValuesAsText("config")).containsExactly("default");
        }
    }

    @Test
    void aFolderThatCannotBeAnAddressIsRefused() throws Exception {
        Files.createDirectory(corpus.resolve("a b"));
        assertThatThrownBy(() -> DatasetServer.start(corpus, 0))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("cannot name a configuration");
    }

    /** A file that changed is a failure of the server's, and is not served in parts. */
    @Test
    void aCorpusThatChangesIsNoLongerServed() throws Exception {
        Files.writeString(corpus.resolve("one/rows.jsonl"), "{\"text\":\"other\"}\n");
        assertThat(get(ROWS).statusCode()).isEqualTo(500);
    }

    private HttpResponse<byte[]> get(String path) throws IOException, InterruptedException {
        var request =
                HttpRequest.newBuilder(URI.create(server.address() + path)).build();
        return client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    }

    private static JsonNode json(HttpResponse<byte[]> answer) throws IOException {
        return new ObjectMapper().readTree(answer.body());
    }
}
