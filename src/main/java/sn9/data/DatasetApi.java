package sn9.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.Secret;
import sn9.http.Http;
import sn9.http.HttpReply;
import sn9.http.HttpRequest;
import sn9.http.Retry;

/**
 * What a dataset server says about one dataset: its sizes, its rows, its parquet files (spec/hub.md 5;
 * huggingface/dataset-viewer). Safe to call from any thread.
 */
public final class DatasetApi implements AutoCloseable {
    /** Rows of one answer, at most; the server's own limit. */
    static final int MAX_ROWS = 100;

    private static final String HUB = "https://huggingface.co";
    private static final String HUB_DATASETS = "https://datasets-server.huggingface.co";

    /** Rows of one configuration, at most; all of FineWeb has 2^35. */
    private static final long MAX_DATASET_ROWS = 1L << 40;

    /** Bytes of one answer with rows: a hundred long documents and what stands beside them. */
    private static final int MAX_ROWS_BYTES = 64 << 20;

    /** Bytes of one answer about the whole dataset; a file takes some 300. */
    private static final int MAX_LIST_BYTES = 16 << 20;

    /** Longest time of one answer; the reference waits for ever (spec/subnet.md B.3), later releases 15 s. */
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final Http http;
    private final String hub;
    private final String server;
    private final Optional<Secret> token;
    private final Dataset dataset;

    /**
     * One file of a dataset.
     *
     * @param config the configuration it belongs to
     * @param url where it is
     * @param bytes its size
     */
    record ParquetUrl(String config, String url, long bytes) {}

    /**
     * Speaks about a dataset to a server; nothing is sent yet.
     *
     * @param http closed with this
     * @param hub the Hub's address; what is not huggingface.co is taken for the dataset server, too
     * @param token sent to the Hub and its dataset server only
     */
    public DatasetApi(Http http, String hub, Optional<Secret> token, Dataset dataset) {
        this.http = http;
        this.hub = hub.replaceAll("/+$", "");
        this.server = this.hub.equals(HUB) ? HUB_DATASETS : this.hub;
        this.token = token;
        this.dataset = dataset;
    }

    /** The dataset in question. */
    Dataset dataset() {
        return dataset;
    }

    /**
     * Rows of each configuration wanted, in the server's order.
     *
     * @throws RemoteCallException when the server refuses or does not answer
     * @throws MalformedDataException when it has none of them
     */
    Map<String, Long> rowsByConfig() throws IOException, InterruptedException {
        if (dataset.equals(Dataset.FALCON)) {
            return Map.of("default", Dataset.FALCON_ROWS);
        }
        HttpReply reply = ask("/size", Map.of(), MAX_LIST_BYTES);
        var rows = new LinkedHashMap<String, Long>();
        for (JsonNode split : reply.json().path("size").path("splits")) {
            JsonNode count = split.path("num_rows");
            if (split.path("split").asText().equals(dataset.split())
                    && count.canConvertToLong()
                    && count.asLong() > 0
                    && count.asLong() <= MAX_DATASET_ROWS) {
                rows.put(split.path("config").asText(), count.asLong());
            }
        }
        rows.keySet().retainAll(dataset.wanted(rows.keySet()));
        if (rows.isEmpty()) {
            throw new MalformedDataException(
                    reply.source(), -1, "expected the number of rows of " + dataset + ", found none");
        }
        return rows;
    }

    /**
     * The text of consecutive rows; a row whose text the server has cut is left out.
     *
     * @param count 1 to {@link #MAX_ROWS}
     * @return fewer rows where the dataset ends
     * @throws RemoteCallException when the server refuses or does not answer
     * @throws MalformedDataException when the answer is no such rows
     */
    List<String> rows(String config, long offset, int count) throws IOException, InterruptedException {
        // The parameter is length; the reference's limit is ignored by the server (spec/subnet.md B.3).
        var parameters = new LinkedHashMap<String, String>();
        parameters.put("config", config);
        parameters.put("split", dataset.split());
        parameters.put("offset", Long.toString(offset));
        parameters.put("length", Integer.toString(count));
        HttpReply reply = ask("/rows", parameters, MAX_ROWS_BYTES);
        JsonNode rows = reply.json().path("rows");
        if (!rows.isArray() || rows.size() > count) {
            throw new MalformedDataException(
                    reply.source(), -1, "expected at most " + count + " rows, found " + rows.size());
        }
        var texts = new ArrayList<String>(rows.size());
        for (int i = 0; i < rows.size(); i++) {
            JsonNode row = rows.get(i);
            if (row.path("row_idx").asLong(-1) != offset + i) {
                throw new MalformedDataException(
                        reply.source(), -1, "expected row " + (offset + i) + ", found " + row.path("row_idx"));
            }
            JsonNode cells = row.path("row");
            String column = cells.path("text").isTextual() ? "text" : "content";
            if (!cells.path(column).isTextual()) {
                throw new MalformedDataException(
                        reply.source(), -1, "row " + (offset + i) + " has no string \"text\" or \"content\"");
            }
            if (!contains(row.path("truncated_cells"), column)) {
                texts.add(cells.path(column).asText());
            }
        }
        return texts;
    }

    /**
     * The parquet files of the configurations wanted, in the server's order.
     *
     * @throws RemoteCallException when the server refuses or does not answer
     * @throws MalformedDataException when it has none
     */
    List<ParquetUrl> parquetFiles() throws IOException, InterruptedException {
        HttpReply reply = ask("/parquet", Map.of(), MAX_LIST_BYTES);
        var files = new ArrayList<ParquetUrl>();
        for (JsonNode file : reply.json().path("parquet_files")) {
            if (file.path("split").asText().equals(dataset.split())
                    && isAddress(file.path("url").asText())
                    && file.path("size").asLong() > 0) {
                files.add(new ParquetUrl(
                        file.path("config").asText(),
                        file.path("url").asText(),
                        file.path("size").asLong()));
            }
        }
        var configs = new LinkedHashMap<String, Boolean>();
        files.forEach(file -> configs.put(file.config, true));
        var wanted = dataset.wanted(configs.keySet());
        files.removeIf(file -> !wanted.contains(file.config));
        if (files.isEmpty()) {
            throw new MalformedDataException(
                    reply.source(),
                    -1,
                    "expected parquet files of " + dataset + ", found none; use --dataset_api rows");
        }
        return files;
    }

    /** A part of a file: {@code length} bytes at {@code position}, or the server's reason why not. */
    byte[] range(String url, long position, int length) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.get(url)
                .token(isAtHub(url) ? token : Optional.empty())
                .header("Range", "bytes=" + position + "-" + (position + length - 1))
                .header("Accept-Encoding", "identity")
                .within(LIMIT);
        HttpReply reply = http.exchange(request, length);
        byte[] bytes = succeeded(request, reply).bytes();
        if (reply.status() != 206 && position > 0 || bytes.length != length) {
            throw new MalformedDataException(
                    reply.source(),
                    position,
                    "expected " + length + " bytes of it (206), found status " + reply.status() + " with "
                            + bytes.length);
        }
        return bytes;
    }

    @Override
    public void close() {
        http.close();
    }

    private HttpReply ask(String path, Map<String, String> parameters, int maxBytes)
            throws IOException, InterruptedException {
        var url = new StringBuilder(server).append(path).append("?dataset=").append(encoded(dataset.id()));
        parameters.forEach(
                (name, value) -> url.append('&').append(name).append('=').append(encoded(value)));
        HttpRequest request = HttpRequest.get(url.toString()).token(token).within(LIMIT);
        HttpReply reply = http.exchange(request, maxBytes);
        return succeeded(request + " " + dataset.id() + " " + parameters, reply);
    }

    private static HttpReply succeeded(Object request, HttpReply reply) throws RemoteCallException {
        if (reply.isSuccess()) {
            return reply;
        }
        throw new RemoteCallException(
                request + ": status " + reply.status() + " "
                        + reply.headers().value("X-Error-Code").orElse("") + " " + words(reply),
                Retry.isPassing(reply.status()));
    }

    /** What the server says about a failure, on one line. */
    private static String words(HttpReply reply) {
        String text = reply.text();
        try {
            text = reply.json().path("error").asText(text);
        } catch (MalformedDataException _) {
            // Not every proxy answers in JSON.
        }
        String line = text.replaceAll("\\p{Cc}+", " ").strip();
        return line.length() > 200 ? line.substring(0, 200) + "..." : line;
    }

    private static boolean isAddress(String url) {
        try {
            HttpRequest.get(url);
            return URI.create(url).getRawAuthority() != null;
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    private boolean isAtHub(String url) {
        URI one = URI.create(url);
        URI other = URI.create(hub);
        return one.getScheme().equals(other.getScheme())
                && one.getRawAuthority().equals(other.getRawAuthority());
    }

    private static boolean contains(JsonNode names, String name) {
        for (JsonNode each : names) {
            if (each.asText().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
