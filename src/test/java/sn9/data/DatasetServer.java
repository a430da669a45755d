package sn9.data;

import blue.strategic.parquet.Dehydrator;
import blue.strategic.parquet.ParquetWriter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.HttpUrl;
import okio.Buffer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;

/**
 * A dataset server on loopback: {@code /size}, {@code /rows} with its real parameter {@code length}, {@code /parquet} and
 * ranges of the files it lists, over texts in memory. Requests may be answered by a fault instead.
 */
public final class DatasetServer implements AutoCloseable {
    /** The name under which it has its dataset. */
    public static final String ID = "someone/pages";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final MockWebServer server = new MockWebServer();
    private final Map<String, List<String>> configs;
    private final Map<String, byte[]> files = new TreeMap<>();
    private final ConcurrentLinkedQueue<RecordedRequest> requests = new ConcurrentLinkedQueue<>();
    private volatile Function<RecordedRequest, MockResponse> fault = request -> null;

    /** Serves texts by configuration; starts at once. */
    public DatasetServer(Map<String, List<String>> configs) throws IOException {
        this.configs = new TreeMap<>(configs);
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                requests.add(request);
                MockResponse answer = fault.apply(request);
                return answer == null
                        ? answer(request.getUrl(), request.getHeaders().get("Range"))
                        : answer;
            }
        });
        server.start();
    }

    /** Adds a parquet file of a configuration's texts. */
    public void addParquet(String config, Path folder) throws IOException {
        MessageType schema = new MessageType(
                "rows",
                Types.required(PrimitiveTypeName.BINARY)
                        .as(LogicalTypeAnnotation.stringType())
                        .named("text"));
        Path file = folder.resolve(config + ".parquet");
        Dehydrator<String> dehydrator = (text, writer) -> writer.write("text", text);
        try (var writer = ParquetWriter.writeFile(schema, file.toFile(), dehydrator)) {
            for (String text : configs.get(config)) {
                writer.write(text);
            }
        }
        files.put(config, Files.readAllBytes(file));
    }

    /** The address that stands for huggingface.co. */
    public String address() {
        return server.url("/").toString();
    }

    /** Answers by this instead, where it gives an answer. */
    public void faults(Function<RecordedRequest, MockResponse> answers) {
        fault = answers;
    }

    /** Every request so far. */
    public List<RecordedRequest> requests() {
        return List.copyOf(requests);
    }

    @Override
    public void close() {
        server.close();
    }

    private MockResponse answer(HttpUrl url, String range) {
        if (url.encodedPath().startsWith("/datasets/")) {
            return part(files.get(url.pathSegments().getLast()), range);
        }
        if (!ID.equals(url.queryParameter("dataset"))) {
            return failure(404, "ResponseNotFound", "no such dataset");
        }
        return switch (url.encodedPath()) {
            case "/size" -> json(sizes());
            case "/parquet" -> json(parquetFiles());
            case "/rows" -> rows(url);
            default -> failure(404, "EntryNotFound", "no such path");
        };
    }

    private ObjectNode sizes() {
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode splits = answer.putObject("size").putArray("splits");
        configs.forEach((config, texts) ->
                splits.addObject().put("config", config).put("split", "train").put("num_rows", texts.size()));
        return answer;
    }

    private ObjectNode parquetFiles() {
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode list = answer.putArray("parquet_files");
        files.forEach((config, bytes) -> list.addObject()
                .put("config", config)
                .put("split", "train")
                .put("url", address() + "datasets/" + ID + "/resolve/refs%2Fconvert%2Fparquet/" + config)
                .put("size", bytes.length));
        return answer;
    }

    private MockResponse rows(HttpUrl url) {
        List<String> texts = configs.get(url.queryParameter("config"));
        String length = url.queryParameter("length");
        int from = Integer.parseInt(url.queryParameter("offset"));
        int count = length == null ? 100 : Integer.parseInt(length);
        if (texts == null || count < 1 || count > 100) {
            return failure(422, "InvalidParameter", "length must be 1 to 100");
        }
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode rows = answer.putArray("rows");
        for (int i = from; i < Math.min(from + count, texts.size()); i++) {
            ObjectNode row = rows.addObject().put("row_idx", i);
            row.putObject("row").put("content", texts.get(i)).put("url", "https://example.org/" + i);
            row.putArray("truncated_cells");
        }
        return json(answer.put("num_rows_total", texts.size()));
    }

    /** An error in the server's own form. */
    public static MockResponse failure(int status, String code, String words) {
        return new MockResponse.Builder()
                .code(status)
                .setHeader("X-Error-Code", code)
                .body("{\"error\":\"" + words + "\"}")
                .build();
    }

    private static MockResponse part(byte[] file, String range) {
        String[] ends = range.substring("bytes=".length()).split("-");
        int from = Integer.parseInt(ends[0]);
        int to = Math.min(Integer.parseInt(ends[1]) + 1, file.length);
        return new MockResponse.Builder()
                .code(206)
                .setHeader("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + file.length)
                .body(new Buffer().write(file, from, to - from))
                .build();
    }

    private static MockResponse json(ObjectNode answer) {
        return new MockResponse.Builder()
                .setHeader("Content-Type", "application/json")
                .body(answer.toString())
                .build();
    }
}
