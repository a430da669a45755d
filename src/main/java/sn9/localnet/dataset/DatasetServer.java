package sn9.localnet.dataset;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jetty.io.EofException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.data.CorpusRows;
import sn9.localnet.ByteRange;
import sn9.localnet.LoopbackServer;

/**
 * Serves a corpus on loopback as the one dataset {@value #ID}, in the protocol of the dataset viewer (spec/hub.md 5):
 * {@code /size}, {@code /splits}, {@code /rows}, {@code /parquet}, and ranges of the parquet files that the corpus has. Its one
 * split is {@code train}.
 *
 * <p>Not here, and said so when asked for: search, filters, statistics, and parquet of text that is not.
 */
public final class DatasetServer implements AutoCloseable {
    /** The dataset's name. */
    public static final String ID = "local/corpus";

    private static final Logger LOG = LoggerFactory.getLogger(DatasetServer.class);

    private static final String SPLIT = "train";

    /** Rows of one answer, at most and without a {@code length}; the real server's. */
    private static final int MAX_ROWS = 100;

    private final Map<String, CorpusRows> configs;
    private final LoopbackServer server;

    /** What a server of this kind says when it cannot answer: a status, a code and words. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;

        private final int status;
        private final String code;

        private Refusal(int status, String code, String words) {
            super(words);
            this.status = status;
            this.code = code;
        }
    }

    private DatasetServer(Map<String, CorpusRows> configs, int port) throws IOException {
        this.configs = configs;
        this.server = LoopbackServer.start(port, config -> {
            config.routes.get("/size", request -> answer(request, sizes()));
            config.routes.get("/splits", request -> answer(request, splits()));
            config.routes.get("/rows", request -> answer(request, rows(request)));
            config.routes.get("/parquet", request -> answer(request, parquetFiles()));
            config.routes.get("/datasets/" + ID + "/resolve/{revision}/{config}/{split}/{file}", this::send);
            config.routes.exception(Refusal.class, (refusal, request) -> refuse(request, refusal));
            config.routes.exception(
                    HttpResponseException.class,
                    (no, request) -> refuse(request, new Refusal(no.getStatus(), "EntryNotFound", no.getMessage())));
            config.routes.exception(EofException.class, (gone, request) -> LOG.debug("a client went away", gone));
            config.routes.exception(Exception.class, (failure, request) -> {
                LOG.warn("event=request_failed path={}", request.path(), failure);
                refuse(request, new Refusal(500, "UnexpectedApiError", "Internal error of the local dataset server"));
            });
        });
    }

    /**
     * Indexes a corpus and starts a server, which answers from the moment this returns.
     *
     * @param corpus a file or a folder of text as {@link CorpusRows} reads it; a folder that holds nothing but folders is a
     *     dataset with a configuration for each of them
     * @param port 0 for any free one
     * @throws java.io.FileNotFoundException when there is no text
     * @throws sn9.MalformedDataException when a file is not what its format demands
     */
    public static DatasetServer start(Path corpus, int port) throws IOException {
        return new DatasetServer(Configurations.of(corpus), port);
    }

    /** {@code http://127.0.0.1:PORT}, which stands for the Hub's address. */
    public URI address() {
        return server.address();
    }

    @Override
    public void close() {
        server.close();
    }

    private void answer(Context request, ObjectNode body) throws Refusal {
        if (!ID.equals(request.queryParam("dataset"))) {
            throw new Refusal(404, "ResponseNotFound", "The dataset does not exist: this server has " + ID + " only.");
        }
        request.json(body);
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static ObjectNode describing(ArrayNode list, String config) {
        return list.addObject().put("dataset", ID).put("config", config).put("split", SPLIT);
    }

    private static ObjectNode whole(ObjectNode answer) {
        answer.putArray("pending");
        answer.putArray("failed");
        return answer.put("partial", false);
    }

    private ObjectNode sizes() {
        ObjectNode answer = object();
        ObjectNode size = answer.putObject("size");
        size.putObject("dataset")
                .put("dataset", ID)
                .put(
                        "num_rows",
                        configs.values().stream().mapToLong(CorpusRows::count).sum());
        ArrayNode splits = size.putArray("splits");
        configs.forEach((config, rows) -> describing(splits, config).put("num_rows", rows.count()));
        return whole(answer);
    }

    private ObjectNode splits() {
        ObjectNode answer = object();
        ArrayNode splits = answer.putArray("splits");
        configs.keySet().forEach(config -> describing(splits, config));
        return answer;
    }

    private ObjectNode rows(Context request) throws IOException, Refusal {
        CorpusRows rows = rows(parameter(request, "config"), parameter(request, "split"));
        int from = number(request, "offset", 0, Integer.MAX_VALUE);
        int count = number(request, "length", MAX_ROWS, MAX_ROWS);
        List<String> texts = from >= rows.count() ? List.of() : rows.read(from, count);
        ObjectNode answer = object();
        ArrayNode array = answer.putArray("rows");
        for (int i = 0; i < texts.size(); i++) {
            ObjectNode row = array.addObject().put("row_idx", from + i);
            row.putObject("row").put("text", texts.get(i));
            row.putArray("truncated_cells");
        }
        return answer.put("num_rows_total", rows.count())
                .put("num_rows_per_page", MAX_ROWS)
                .put("partial", false);
    }

    private ObjectNode parquetFiles() throws IOException {
        ObjectNode answer = object();
        ArrayNode list = answer.putArray("parquet_files");
        for (var config : configs.entrySet()) {
            List<Path> files = config.getValue().parquetFiles();
            for (int i = 0; i < files.size(); i++) {
                String name = String.format("%04d.parquet", i);
                try (FileChannel file = FileChannel.open(files.get(i), StandardOpenOption.READ)) {
                    describing(list, config.getKey())
                            .put(
                                    "url",
                                    address() + "/datasets/" + ID + "/resolve/refs%2Fconvert%2Fparquet/"
                                            + config.getKey() + "/" + SPLIT + "/" + name)
                            .put("filename", name)
                            .put("size", file.size());
                }
            }
        }
        return whole(answer);
    }

    private void send(Context request) throws IOException, Refusal {
        List<Path> files =
                rows(request.pathParam("config"), request.pathParam("split")).parquetFiles();
        String name = request.pathParam("file");
        int number = name.matches("\\d{4,9}\\.parquet") ? Integer.parseInt(name.substring(0, name.indexOf('.'))) : -1;
        if (number < 0 || number >= files.size()) {
            throw new Refusal(404, "EntryNotFound", "Entry not found");
        }
        try (FileChannel file = FileChannel.open(files.get(number), StandardOpenOption.READ)) {
            Optional<ByteRange> range = ByteRange.parse(request.header("Range"), file.size());
            request.header("Accept-Ranges", "bytes");
            if (range.isPresent() && range.get().isOutside()) {
                request.header("Content-Range", "bytes */" + file.size());
                throw new Refusal(416, "", "Requested range not satisfiable");
            }
            ByteRange part = range.orElse(new ByteRange(0, file.size()));
            if (range.isPresent()) {
                request.status(206).header("Content-Range", part.contentRange(file.size()));
            }
            request.contentType("application/octet-stream").res().setContentLengthLong(part.bytes());
            part.copy(file, request.res().getOutputStream());
        }
    }

    private CorpusRows rows(String config, String split) throws Refusal {
        CorpusRows rows = configs.get(config);
        if (rows == null || !split.equals(SPLIT)) {
            throw new Refusal(
                    404,
                    "ResponseNotFound",
                    "Not found: expected a configuration of " + String.join(", ", configs.keySet()) + " and the split "
                            + SPLIT);
        }
        return rows;
    }

    private static String parameter(Context request, String name) throws Refusal {
        String value = request.queryParam(name);
        if (value == null) {
            throw new Refusal(422, "MissingRequiredParameter", "Parameter '" + name + "' is required");
        }
        return value;
    }

    private static int number(Context request, String name, int usual, int most) throws Refusal {
        String value = request.queryParam(name);
        if (value == null) {
            return usual;
        }
        if (!value.matches("\\d{1,18}") || name.equals("length") && Long.parseLong(value) > most) {
            throw new Refusal(422, "InvalidParameter", "Parameter '" + name + "' must be 0 to " + most);
        }
        return (int) Math.min(Long.parseLong(value), most);
    }

    private static void refuse(Context request, Refusal refusal) {
        if (!request.res().isCommitted()) {
            request.header("X-Error-Code", refusal.code).status(refusal.status);
            request.json(object().put("error", refusal.getMessage()));
        }
    }
}
