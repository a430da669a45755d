package sn9.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiFunction;
import java.util.function.Function;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Headers;
import okio.Buffer;

/**
 * One repository {@code me/m} that answers as the Hub does (spec/hub.md 3), storage on a host of its own, every request
 * noted, and any of them made to fail on demand.
 */
public final class ScriptedHub implements AutoCloseable {
    public static final String TOKEN = "hf_tokentokentoken";

    private static final ObjectMapper JSON = new ObjectMapper();

    /** A file of a commit. */
    record Stored(byte[] bytes, boolean large) {
        String oid() {
            return large ? hex("SHA-256", bytes) : gitSha1(bytes);
        }
    }

    final MockWebServer hub = new MockWebServer();
    final MockWebServer storage = new MockWebServer();
    final List<RecordedRequest> requests = new CopyOnWriteArrayList<>();
    public final List<String> commits = new CopyOnWriteArrayList<>();
    final Map<String, Map<String, Stored>> files = new ConcurrentHashMap<>();
    final Map<String, byte[]> objects = new ConcurrentHashMap<>();
    final Map<Integer, byte[]> parts = new ConcurrentHashMap<>();

    /** Size of the parts of an LFS upload; 0 for uploads in one piece. */
    volatile long chunkBytes;

    /** Addresses that answers name, when a proxy stands before the servers. */
    volatile String hubAddress;

    volatile String storageAddress;

    volatile boolean exists;
    public volatile boolean hidden;
    volatile int listPage = 1000;

    /** What to answer in place of the true answer; empty to go on as usual. */
    volatile Function<RecordedRequest, Optional<MockResponse>> fault = request -> Optional.empty();

    /** What to do to the true answer. */
    volatile BiFunction<RecordedRequest, MockResponse, MockResponse> spoil = (request, r) -> r;

    public ScriptedHub() {
        try {
            hub.setDispatcher(dispatcher(this::answerHub));
            storage.setDispatcher(dispatcher(this::answerStorage));
            hub.start();
            storage.start();
            hubAddress = hub.url("/").toString().replaceFirst("/$", "");
            storageAddress = storage.url("/").toString().replaceFirst("/$", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String endpoint() {
        return hubAddress;
    }

    /** Method and path of all requests, as they came. */
    public List<String> calls() {
        return requests.stream().map(ScriptedHub::call).toList();
    }

    static String call(RecordedRequest request) {
        return request.getMethod() + " " + request.getTarget();
    }

    /** Puts a commit there without going through the protocol. */
    String commit(Map<String, Stored> content) {
        exists = true;
        var whole = new TreeMap<>(content);
        String commit = hex("SHA-1", (commits.size() + whole.keySet().toString()).getBytes(StandardCharsets.UTF_8));
        files.put(commit, whole);
        commits.add(commit);
        content.values().stream().filter(Stored::large).forEach(f -> objects.put(f.oid(), f.bytes()));
        return commit;
    }

    Map<String, Stored> head() {
        return commits.isEmpty() ? Map.of() : files.get(commits.getLast());
    }

    private interface Answer {
        MockResponse to(RecordedRequest request) throws IOException;
    }

    private Dispatcher dispatcher(Answer answer) {
        return new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                requests.add(request);
                try {
                    var failed = fault.apply(request);
                    return spoil.apply(request, failed.isPresent() ? failed.get() : answer.to(request));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }

    private MockResponse answerHub(RecordedRequest request) throws IOException {
        String path = request.getTarget().replaceFirst("\\?.*", "");
        if (!("Bearer " + TOKEN).equals(request.getHeaders().get("Authorization")) && !path.endsWith("/complete")) {
            return error(401, "", "Invalid username or password.");
        }
        if (path.equals("/api/whoami-v2")) {
            return json("{\"type\":\"user\",\"name\":\"me\",\"auth\":{\"accessToken\":{\"role\":\"write\"}}}");
        }
        if (path.equals("/api/repos/create")) {
            if (exists) {
                return error(409, "", "You already created this model repo");
            }
            exists = true;
            hidden = body(request).path("visibility").asText().equals("private");
            return json("{\"url\":\"u\",\"name\":\"me/m\",\"id\":\"1\"}");
        }
        if (!exists) {
            return error(404, "RepoNotFound", "Repository not found");
        }
        if (path.equals("/api/models/me/m/settings")) {
            hidden = body(request).path("private").asBoolean();
            return json("{\"private\":" + hidden + "}");
        }
        if (path.startsWith("/api/models/me/m/revision/")) {
            return info(path.substring("/api/models/me/m/revision/".length()));
        }
        if (path.startsWith("/api/models/me/m/tree/")) {
            return tree(request, path.substring("/api/models/me/m/tree/".length()));
        }
        return switch (path) {
            case "/api/models/me/m" -> json("{\"id\":\"me/m\",\"private\":" + hidden + "}");
            case "/api/models/me/m/preupload/main" -> preupload(body(request));
            case "/me/m.git/info/lfs/objects/batch" -> batch(body(request));
            case "/me/m.git/complete" -> complete(body(request));
            case "/me/m.git/verify" -> json("{}");
            case "/api/models/me/m/commit/main" -> commit(request);
            default -> resolve(request, path);
        };
    }

    private Optional<String> revision(String text) {
        String commit = text.equals("main") && !commits.isEmpty() ? commits.getLast() : text;
        return files.containsKey(commit) ? Optional.of(commit) : Optional.empty();
    }

    private MockResponse info(String text) {
        var commit = revision(text);
        if (commit.isEmpty()) {
            return error(404, "RevisionNotFound", "Invalid rev id: " + text);
        }
        ObjectNode info = JSON.createObjectNode().put("id", "me/m").put("sha", commit.get());
        info.put("private", hidden);
        var siblings = info.putArray("siblings");
        files.get(commit.get()).keySet().forEach(name -> siblings.addObject().put("rfilename", name));
        return json(info.toString());
    }

    private MockResponse tree(RecordedRequest request, String text) {
        var commit = revision(text);
        if (commit.isEmpty()) {
            return error(404, "RevisionNotFound", "Invalid rev id: " + text);
        }
        var array = JSON.createArrayNode();
        int from = request.getTarget().contains("cursor=")
                ? Integer.parseInt(request.getTarget().replaceFirst(".*cursor=", ""))
                : 0;
        var entries = new ArrayList<>(files.get(commit.get()).entrySet());
        for (var file : entries.subList(from, Math.min(entries.size(), from + listPage))) {
            var entry = array.addObject().put("type", "file").put("path", file.getKey());
            entry.put("size", file.getValue().bytes().length)
                    .put("oid", gitSha1(file.getValue().bytes()));
            if (file.getValue().large()) {
                entry.putObject("lfs").put("oid", file.getValue().oid()).put("pointerSize", 133);
            }
        }
        var headers = from + listPage < entries.size()
                ? Headers.of(
                        "Link",
                        "<" + hubAddress
                                + ("/api/models/me/m/tree/" + text + "?recursive=true&cursor=" + (from + listPage))
                                + ">; rel=\"next\"")
                : Headers.of();
        return new MockResponse(200, headers, array.toString());
    }

    private MockResponse preupload(JsonNode body) {
        var answer = JSON.createObjectNode();
        var array = answer.putArray("files");
        for (JsonNode file : body.path("files")) {
            String path = file.path("path").asText();
            var stored = head().get(path);
            array.addObject()
                    .put("path", path)
                    .put("uploadMode", path.endsWith(".safetensors") ? "lfs" : "regular")
                    .put("shouldIgnore", false)
                    .put("oid", stored == null ? null : stored.oid());
        }
        return json(answer.toString());
    }

    private MockResponse batch(JsonNode body) {
        var answer = JSON.createObjectNode().put("transfer", chunkBytes > 0 ? "multipart" : "basic");
        var array = answer.putArray("objects");
        for (JsonNode object : body.path("objects")) {
            String oid = object.path("oid").asText();
            long size = object.path("size").asLong();
            var entry = array.addObject().put("oid", oid).put("size", size);
            if (objects.containsKey(oid)) {
                continue;
            }
            var actions = entry.putObject("actions");
            var upload = actions.putObject("upload");
            if (chunkBytes == 0) {
                upload.put("href", storageAddress + "/objects/" + oid + "?Signature=s");
            } else {
                upload.put("href", hubAddress + "/me/m.git/complete");
                var header = upload.putObject("header").put("chunk_size", Long.toString(chunkBytes));
                for (int part = 1; (part - 1) * chunkBytes < size; part++) {
                    header.put(String.format("%05d", part), storageAddress + "/parts/" + part + "?Signature=s");
                }
            }
            actions.putObject("verify").put("href", hubAddress + "/me/m.git/verify");
        }
        return json(answer.toString());
    }

    private MockResponse complete(JsonNode body) {
        var whole = new Buffer();
        for (JsonNode part : body.path("parts")) {
            byte[] bytes = parts.get(part.path("partNumber").asInt());
            if (bytes == null || !part.path("etag").asText().equals("\"" + hex("MD5", bytes) + "\"")) {
                return error(400, "", "InvalidPart");
            }
            whole.write(bytes);
        }
        byte[] bytes = whole.readByteArray();
        String oid = hex("SHA-256", bytes);
        if (!oid.equals(body.path("oid").asText())) {
            return error(400, "", "wrong content");
        }
        objects.put(oid, bytes);
        return json("{}");
    }

    private synchronized MockResponse commit(RecordedRequest request) throws IOException {
        var content = new TreeMap<>(head());
        for (String line : request.getBody().utf8().split("\n")) {
            JsonNode value = JSON.readTree(line).path("value");
            switch (JSON.readTree(line).path("key").asText()) {
                case "header" -> {
                    if (value.has("parentCommit")
                            && !value.path("parentCommit")
                                    .asText()
                                    .equals(commits.isEmpty() ? "" : commits.getLast())) {
                        return error(412, "", "The branch has moved on");
                    }
                }
                case "file" ->
                    content.put(
                            value.path("path").asText(),
                            new Stored(
                                    Base64.getDecoder()
                                            .decode(value.path("content").asText()),
                                    false));
                case "lfsFile" ->
                    content.put(
                            value.path("path").asText(),
                            new Stored(objects.get(value.path("oid").asText()), true));
                case "deletedFile" -> content.remove(value.path("path").asText());
                default -> throw new IOException("unknown line " + line);
            }
        }
        return json("{\"success\":true,\"commitOid\":\"" + commit(content) + "\"}");
    }

    private MockResponse resolve(RecordedRequest request, String path) {
        String[] steps = path.split("/", 6);
        if (steps.length < 6 || !steps[3].equals("resolve")) {
            return error(404, "", "no such call: " + path);
        }
        var commit = revision(steps[4]);
        var file = commit.map(c -> files.get(c).get(steps[5]));
        if (commit.isEmpty() || file.isEmpty()) {
            return error(404, "EntryNotFound", "Entry not found");
        }
        byte[] bytes = file.get().bytes();
        var headers = new Headers.Builder().add("X-Repo-Commit", commit.get());
        if (!file.get().large()) {
            headers.add("ETag", "\"" + file.get().oid() + "\"");
            return content(request, headers, bytes);
        }
        headers.add("X-Linked-ETag", "\"" + file.get().oid() + "\"")
                .add("X-Linked-Size", Integer.toString(bytes.length))
                .add("ETag", "\"" + gitSha1(bytes) + "\"")
                .add("Location", storageAddress + "/objects/" + file.get().oid() + "?Signature=s");
        return new MockResponse(302, headers.build(), "");
    }

    private MockResponse answerStorage(RecordedRequest request) {
        String path = request.getTarget().replaceFirst("\\?.*", "");
        if (request.getHeaders().get("Authorization") != null) {
            return error(400, "", "storage must not see tokens");
        }
        if (request.getMethod().equals("PUT") && path.startsWith("/parts/")) {
            byte[] bytes = request.getBody().toByteArray();
            parts.put(Integer.parseInt(path.substring("/parts/".length())), bytes);
            return new MockResponse(200, Headers.of("ETag", "\"" + hex("MD5", bytes) + "\""), "");
        }
        if (request.getMethod().equals("PUT")) {
            byte[] bytes = request.getBody().toByteArray();
            String oid = hex("SHA-256", bytes);
            if (!path.equals("/objects/" + oid)) {
                return error(400, "", "wrong content");
            }
            objects.put(oid, bytes);
            return new MockResponse(200, Headers.of(), "");
        }
        byte[] bytes = objects.get(path.substring("/objects/".length()));
        return content(request, new Headers.Builder().add("ETag", "\"abc\""), bytes);
    }

    /** A range, or the whole. */
    private static MockResponse content(RecordedRequest request, Headers.Builder headers, byte[] bytes) {
        String range = request.getHeaders().get("Range");
        int status = 200;
        byte[] sent = bytes;
        if (range != null) {
            String[] ends = range.substring("bytes=".length()).split("-");
            int from = Integer.parseInt(ends[0]);
            int to = Math.min(bytes.length, Integer.parseInt(ends[1]) + 1);
            sent = Arrays.copyOfRange(bytes, from, to);
            headers.add("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + bytes.length);
            status = 206;
        }
        var builder = new MockResponse.Builder().code(status).headers(headers.build());
        if (request.getMethod().equals("HEAD")) {
            builder.setHeader("Content-Length", sent.length);
        } else {
            builder.body(new Buffer().write(sent));
        }
        return builder.build();
    }

    static MockResponse error(int status, String code, String message) {
        var headers = new Headers.Builder().add("X-Request-Id", "req-1");
        if (!code.isEmpty()) {
            headers.add("X-Error-Code", code);
        }
        return new MockResponse(
                status,
                headers.build(),
                JSON.createObjectNode().put("error", message).toString());
    }

    static MockResponse json(String text) {
        return new MockResponse(200, Headers.of("Content-Type", "application/json"), text);
    }

    private static JsonNode body(RecordedRequest request) throws IOException {
        return JSON.readTree(request.getBody().utf8());
    }

    static String gitSha1(byte[] bytes) {
        byte[] header = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] whole = Arrays.copyOf(header, header.length + bytes.length);
        System.arraycopy(bytes, 0, whole, header.length, bytes.length);
        return hex("SHA-1", whole);
    }

    static String hex(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        hub.close();
        storage.close();
    }
}
