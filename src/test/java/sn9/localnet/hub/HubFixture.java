package sn9.localnet.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import sn9.Secret;

/** A served Hub and a client without any comfort: what is asked and answered is the test's affair. */
final class HubFixture implements AutoCloseable {
    static final int PART_BYTES = 64 << 10;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path dir;
    private final HttpClient client = HttpClient.newHttpClient();
    private final AccessTokens tokens;
    private HubServer server;
    Instant now = Instant.parse("2026-01-02T03:04:05.678Z");

    HubFixture(Path dir) throws IOException {
        this.dir = dir;
        this.tokens = AccessTokens.open(dir, InstantSource.system());
        this.server = start();
    }

    /** A second server of the same folder, or the first. */
    HubServer start() throws IOException {
        return start(0);
    }

    private HubServer start(int port) throws IOException {
        return HubServer.start(dir, port, new HubServer.Settings(PART_BYTES, 3), () -> now);
    }

    /** Ends the server and starts one that knows the folder only, at the same address. */
    void restart() throws IOException {
        int port = server.address().getPort();
        server.close();
        server = start(port);
    }

    Secret token(String owner, AccessTokens.Role role) throws IOException {
        return tokens.issue(owner, role);
    }

    /** An answer with its body as bytes, and as JSON where it is that. */
    record Answer(HttpResponse<byte[]> response) {
        int status() {
            return response.statusCode();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        String text() {
            return new String(response.body(), StandardCharsets.UTF_8);
        }

        JsonNode json() throws IOException {
            return JSON.readTree(response.body());
        }

        /** Status, {@code X-Error-Code} and the body's words. */
        String error() throws IOException {
            return status() + " " + header("X-Error-Code") + " "
                    + json().path("error").asText();
        }
    }

    /** A request to the server, by path, or to an address it gave. */
    HttpRequest.Builder request(String where, Secret token) {
        var address = where.startsWith("/") ? server.address().resolve(where) : URI.create(where);
        var request = HttpRequest.newBuilder(address);
        if (token != null) {
            request.header("Authorization", "Bearer " + token.reveal());
        }
        return request;
    }

    Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return new Answer(client.send(request.build(), BodyHandlers.ofByteArray()));
    }

    Answer get(String where, Secret token) throws IOException, InterruptedException {
        return send(request(where, token));
    }

    Answer head(String where, Secret token) throws IOException, InterruptedException {
        return send(request(where, token).method("HEAD", BodyPublishers.noBody()));
    }

    Answer post(String where, Secret token, String body) throws IOException, InterruptedException {
        return send(
                request(where, token).header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)));
    }

    Answer put(String where, Secret token, byte[] body) throws IOException, InterruptedException {
        return send(request(where, token).PUT(BodyPublishers.ofByteArray(body)));
    }

    Answer create(String id, boolean hidden, Secret token) throws IOException, InterruptedException {
        String[] parts = id.split("/");
        return post(
                "/api/repos/create",
                token,
                "{\"name\":\"%s\",\"organization\":\"%s\",\"private\":%s,\"type\":\"model\"}"
                        .formatted(parts[1], parts[0], hidden));
    }

    /** Commits lines after a header; the answer's commit must be asked for. */
    Answer commit(String id, Secret token, String... lines) throws IOException, InterruptedException {
        return post(
                "/api/models/" + id + "/commit/main",
                token,
                "{\"key\":\"header\",\"value\":{\"summary\":\"a commit\"}}\n" + String.join("\n", lines));
    }

    static String file(String path, String content) {
        return "{\"key\":\"file\",\"value\":{\"content\":\"%s\",\"path\":\"%s\",\"encoding\":\"base64\"}}"
                .formatted(Base64.getEncoder().encodeToString(content.getBytes(StandardCharsets.UTF_8)), path);
    }

    static String largeFile(String path, byte[] content) {
        return "{\"key\":\"lfsFile\",\"value\":{\"path\":\"%s\",\"algo\":\"sha256\",\"oid\":\"%s\",\"size\":%d}}"
                .formatted(path, sha256(content), content.length);
    }

    /** Asks how a content is to be uploaded: the answer's one object. */
    JsonNode batch(String id, Secret token, byte[] content) throws IOException, InterruptedException {
        var answer = post(
                "/" + id + ".git/info/lfs/objects/batch",
                token,
                ("{\"operation\":\"upload\",\"transfers\":[\"basic\",\"multipart\"],\"hash_algo\":\"sha256\","
                                + "\"objects\":[{\"oid\":\"%s\",\"size\":%d}]}")
                        .formatted(sha256(content), content.length));
        if (answer.status() != 200) {
            throw new IOException(answer.error());
        }
        return answer.json().path("objects").path(0);
    }

    /** Uploads a part, from 1, of an upload in parts; the answer's header {@code ETag} counts. */
    Answer part(JsonNode upload, int part, byte[] content) throws IOException, InterruptedException {
        int from = (part - 1) * PART_BYTES;
        byte[] slice = Arrays.copyOfRange(content, from, Math.min(from + PART_BYTES, content.length));
        return put(upload.path("header").path("%05d".formatted(part)).asText(), null, slice);
    }

    Answer complete(JsonNode upload, byte[] content, String... etags) throws IOException, InterruptedException {
        ArrayNode parts = JSON.createArrayNode();
        for (int i = 0; i < etags.length; i++) {
            parts.addObject().put("partNumber", i + 1).put("etag", etags[i]);
        }
        return post(
                upload.path("href").asText(), null, "{\"oid\":\"" + sha256(content) + "\",\"parts\":" + parts + "}");
    }

    static String sha256(byte[] content) {
        return HexFormat.of().formatHex(Hashes.sha256().digest(content));
    }

    @Override
    public void close() {
        client.close();
        server.close();
    }
}
