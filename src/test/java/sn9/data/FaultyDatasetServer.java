package sn9.data;

import blue.strategic.parquet.Dehydrator;
import blue.strategic.parquet.ParquetWriter;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okio.Buffer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;
import sn9.localnet.dataset.DatasetServer;

/** The dataset server of the local network, every request noted, and any of them answered by a fault instead on demand. */
public final class FaultyDatasetServer implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final MockWebServer front = new MockWebServer();
    private final HttpClient client = HttpClient.newHttpClient();
    private final DatasetServer server;
    private final ConcurrentLinkedQueue<RecordedRequest> requests = new ConcurrentLinkedQueue<>();
    private volatile Function<RecordedRequest, MockResponse> fault = request -> null;

    /** Serves a folder; starts at once. */
    public FaultyDatasetServer(Path folder) throws IOException {
        server = DatasetServer.start(folder, 0);
        front.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
                requests.add(request);
                MockResponse answer = fault.apply(request);
                return answer == null ? passedOn(request) : answer;
            }
        });
        front.start();
    }

    /** Writes texts by configuration as lines of JSON; returns the folder. */
    public static Path writeLines(Path folder, Map<String, List<String>> configs) throws IOException {
        for (var config : configs.entrySet()) {
            var lines = new StringBuilder();
            for (String text : config.getValue()) {
                lines.append(JSON.createObjectNode().put("text", text)).append('\n');
            }
            Files.writeString(
                    Files.createDirectories(folder.resolve(config.getKey())).resolve("rows.jsonl"), lines);
        }
        return folder;
    }

    /** Writes texts by configuration as parquet files; returns the folder. */
    public static Path writeParquet(Path folder, Map<String, List<String>> configs) throws IOException {
        MessageType schema = new MessageType(
                "rows",
                Types.required(PrimitiveTypeName.BINARY)
                        .as(LogicalTypeAnnotation.stringType())
                        .named("text"));
        Dehydrator<String> dehydrator = (text, writer) -> writer.write("text", text);
        for (var config : configs.entrySet()) {
            Path file = Files.createDirectories(folder.resolve(config.getKey())).resolve("rows.parquet");
            try (var writer = ParquetWriter.writeFile(schema, file.toFile(), dehydrator)) {
                for (String text : config.getValue()) {
                    writer.write(text);
                }
            }
        }
        return folder;
    }

    /** The address that stands for huggingface.co. */
    public String address() {
        return front.url("/").toString();
    }

    /** Answers by this instead, where it gives an answer. */
    public void faults(Function<RecordedRequest, MockResponse> answers) {
        fault = answers;
    }

    /** Every request so far. */
    public List<RecordedRequest> requests() {
        return List.copyOf(requests);
    }

    /** An error in the server's own form. */
    public static MockResponse failure(int status, String code, String words) {
        return new MockResponse.Builder()
                .code(status)
                .setHeader("X-Error-Code", code)
                .body("{\"error\":\"" + words + "\"}")
                .build();
    }

    @Override
    public void close() {
        client.close();
        front.close();
        server.close();
    }

    /** The true answer; addresses in it lead here, too. */
    private MockResponse passedOn(RecordedRequest request) throws InterruptedException {
        var question = HttpRequest.newBuilder(URI.create(server.address() + request.getTarget()));
        String range = request.getHeaders().get("Range");
        if (range != null) {
            question.header("Range", range);
        }
        try {
            var answer = client.send(question.build(), HttpResponse.BodyHandlers.ofByteArray());
            byte[] body = answer.body();
            if (request.getTarget().startsWith("/parquet")) {
                body = new String(body)
                        .replace(server.address() + "/", address())
                        .getBytes();
            }
            var builder = new MockResponse.Builder().code(answer.statusCode()).body(new Buffer().write(body));
            for (String name : List.of("Content-Type", "Content-Range", "X-Error-Code")) {
                answer.headers().firstValue(name).ifPresent(value -> builder.setHeader(name, value));
            }
            return builder.build();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
