package sn9.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import sn9.MalformedDataException;
import sn9.http.HttpBody;
import sn9.http.HttpReply;
import sn9.http.HttpRequest;
import sn9.hub.CommitRequest.LargeFile;
import sn9.subnet.RepoId;

/**
 * Stores large files by their SHA-256: the Hub says where each is to go, whole or in parts, and which it has already. No
 * request to storage carries the token.
 */
final class LfsUpload {
    private static final String CONTENT_TYPE = "application/vnd.git-lfs+json";
    private static final int OBJECTS_A_CALL = 100;
    private static final int FILES_AT_ONCE = 2;
    private static final int PARTS_AT_ONCE = 4;

    /** How often new addresses are asked for when storage refuses the old ones: they expire. */
    private static final int ADDRESS_TRIES = 3;

    /** Most parts of one file; storage takes no more. */
    private static final int MAX_PARTS = 10_000;

    private final HubClient client;
    private final UploadJournal journal;
    private final Transfers transfers;

    LfsUpload(HubClient client, UploadJournal journal, Transfers transfers) {
        this.client = client;
        this.journal = journal;
        this.transfers = transfers;
    }

    /**
     * Stores files; returns when all are there.
     *
     * @throws HubException when the Hub or its storage refuses
     */
    void store(RepoId repo, List<LargeFile> files) throws IOException, InterruptedException {
        for (int from = 0; from < files.size(); from += OBJECTS_A_CALL) {
            var asked = files.subList(from, Math.min(files.size(), from + OBJECTS_A_CALL));
            var answers = batch(repo, asked);
            var tasks = new ArrayList<Parallel.Task>();
            for (LargeFile file : asked) {
                JsonNode first = answers.get(file.content().hex());
                tasks.add(() -> store(repo, file, first));
            }
            Parallel.run(FILES_AT_ONCE, tasks);
        }
    }

    private Map<String, JsonNode> batch(RepoId repo, List<LargeFile> files) throws IOException, InterruptedException {
        var body = JsonNodeFactory.instance.objectNode().put("operation", "upload");
        body.putArray("transfers").add("basic").add("multipart");
        body.put("hash_algo", "sha256").putObject("ref").put("name", "main");
        var objects = body.putArray("objects");
        for (LargeFile file : files) {
            objects.addObject()
                    .put("oid", file.content().hex())
                    .put("size", file.file().bytes());
        }
        var reply = client.reply(HttpRequest.post(client.address().lfsBatch(repo), lfsBody(body))
                .header("Accept", CONTENT_TYPE)
                .repeatable());
        var answers = new TreeMap<String, JsonNode>();
        reply.json()
                .path("objects")
                .forEach(object -> answers.put(object.path("oid").asText(""), object));
        for (LargeFile file : files) {
            JsonNode answer = answers.get(file.content().hex());
            if (answer == null) {
                throw new MalformedDataException(
                        reply.source(),
                        -1,
                        "expected an answer for " + file.file().path() + ", found none");
            }
            if (answer.hasNonNull("error")) {
                throw new HubException("hub: " + reply.source() + ": cannot store "
                        + file.file().path() + ": "
                        + HubException.plain(
                                answer.path("error").path("message").asText("no reason given")));
            }
        }
        return answers;
    }

    private void store(RepoId repo, LargeFile file, JsonNode answer) throws IOException, InterruptedException {
        for (int tries = 1; ; tries++) {
            JsonNode actions = answer.path("actions");
            if (!actions.hasNonNull("upload")) {
                return; // stored already
            }
            try {
                upload(repo, file, actions.path("upload"));
            } catch (HubException e) {
                boolean expired = e.status() == 400 || e.status() == 401 || e.status() == 403 || e.status() == 404;
                if (!expired) {
                    throw e; // what is stored stays noted
                }
                journal.forget(file.content());
                if (tries >= ADDRESS_TRIES) {
                    throw e;
                }
                answer = batch(repo, List.of(file)).get(file.content().hex());
                continue;
            }
            verify(file, actions.path("verify"));
            return;
        }
    }

    private void upload(RepoId repo, LargeFile file, JsonNode action) throws IOException, InterruptedException {
        String href = client.address().rebased(action.path("href").asText(""));
        JsonNode header = action.path("header");
        String name = file.file().path();
        try (var transfer = transfers.begin(name, file.file().bytes())) {
            if (!header.hasNonNull("chunk_size")) {
                var put = request(
                        href,
                        url -> HttpRequest.put(
                                url,
                                HttpBody.file(file.file().file(), 0, file.file().bytes(), transfer::moved)));
                for (var field : header.properties()) {
                    if (!field.getKey().equalsIgnoreCase("Authorization")) {
                        put = put.header(field.getKey(), field.getValue().asText());
                    }
                }
                checked(client.store(put));
                return;
            }
            var fresh = multipart(repo, file, href, header);
            uploadParts(file, journal.resume(fresh), transfer);
        }
    }

    /** The parts that the Hub names, which must be exactly those of the file. */
    private MultipartUpload multipart(RepoId repo, LargeFile file, String href, JsonNode header)
            throws MalformedDataException {
        long chunk = header.path("chunk_size").asLong(0);
        long bytes = file.file().bytes();
        var parts = new TreeMap<Integer, String>();
        for (var field : header.properties()) {
            if (field.getKey().matches("[0-9]{1,6}")) {
                parts.put(Integer.parseInt(field.getKey()), field.getValue().asText(""));
            }
        }
        long expected = chunk <= 0 ? -1 : (bytes + chunk - 1) / chunk;
        if (expected < 1 || expected > MAX_PARTS || parts.size() != expected || parts.lastKey() != expected) {
            throw new MalformedDataException(
                    client.address().lfsBatch(repo),
                    -1,
                    "expected addresses for all parts of " + bytes + " bytes, found " + parts.size()
                            + " with a chunk_size of " + chunk);
        }
        return new MultipartUpload(
                client.address().endpoint(), file.content(), bytes, chunk, href, List.copyOf(parts.values()));
    }

    private void uploadParts(LargeFile file, UploadJournal.Session session, Transfers.Transfer transfer)
            throws IOException, InterruptedException {
        MultipartUpload upload = session.upload();
        var tasks = new ArrayList<Parallel.Task>();
        for (int part = 1; part <= upload.parts().size(); part++) {
            int number = part;
            long offset = (part - 1) * upload.chunkBytes();
            long length = Math.min(upload.chunkBytes(), upload.bytes() - offset);
            if (session.etags().containsKey(part)) {
                transfer.moved(length);
                continue;
            }
            tasks.add(() -> {
                var put = request(
                        upload.parts().get(number - 1),
                        url -> HttpRequest.put(
                                url, HttpBody.file(file.file().file(), offset, length, transfer::moved)));
                HttpReply reply = checked(client.store(put));
                String etag = reply.headers()
                        .value("ETag")
                        .orElseThrow(() -> new MalformedDataException(
                                reply.source(), -1, "expected an ETag for part " + number + ", found none"));
                session.done(number, etag);
            });
        }
        Parallel.run(PARTS_AT_ONCE, tasks);
        complete(session);
    }

    private void complete(UploadJournal.Session session) throws IOException, InterruptedException {
        MultipartUpload upload = session.upload();
        var body = JsonNodeFactory.instance
                .objectNode()
                .put("oid", upload.content().hex());
        var parts = body.putArray("parts");
        session.etags()
                .forEach((number, etag) ->
                        parts.addObject().put("partNumber", number).put("etag", etag));
        var post = request(upload.completion(), url -> HttpRequest.post(url, lfsBody(body)))
                .header("Accept", CONTENT_TYPE)
                .repeatable();
        checked(client.store(post));
        journal.forget(upload.content());
    }

    private void verify(LargeFile file, JsonNode action) throws IOException, InterruptedException {
        if (!action.hasNonNull("href")) {
            return;
        }
        String href = client.address().rebased(action.path("href").asText());
        var body = JsonNodeFactory.instance
                .objectNode()
                .put("oid", file.content().hex())
                .put("size", file.file().bytes());
        var post =
                request(href, url -> HttpRequest.post(url, HttpBody.json(body))).repeatable();
        checked(client.address().holds(href) ? client.exchangeWithToken(post) : client.store(post));
    }

    private interface Maker {
        HttpRequest make(String url);
    }

    /** A request to an address that the Hub gave. */
    private HttpRequest request(String href, Maker maker) throws MalformedDataException {
        try {
            return maker.make(href);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(client.address().endpoint(), -1, "upload address: " + e.getMessage(), e);
        }
    }

    private HttpReply checked(HttpReply reply) throws HubException {
        if (!reply.isSuccess()) {
            throw client.failure(reply);
        }
        return reply;
    }

    private static HttpBody lfsBody(JsonNode body) {
        return HttpBody.of(CONTENT_TYPE, body.toString().getBytes(StandardCharsets.UTF_8));
    }
}
