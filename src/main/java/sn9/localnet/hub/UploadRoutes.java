package sn9.localnet.hub;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.subnet.RepoId;

/**
 * How the content of large files arrives (spec/hub.md 3.3, step 2): git LFS's batch call, which answers with signed
 * addresses of this server, whole files by one PUT or in parts, and verification.
 */
final class UploadRoutes {
    private static final String LFS_JSON = "application/vnd.git-lfs+json";
    private static final String FILE = "/_storage/{namespace}/{name}/{oid}/{bytes}";
    private static final int MAX_OBJECTS = 1000;

    /** As many as a storage of the genuine Hub takes. */
    private static final int MAX_PARTS = 10_000;

    private final HubFolder hub;
    private final Access access;
    private final SignedAddresses addresses;
    private final PartUploads parts;

    UploadRoutes(HubFolder hub, Access access, SignedAddresses addresses, PartUploads parts) {
        this.hub = hub;
        this.access = access;
        this.addresses = addresses;
        this.parts = parts;
    }

    void register(RoutesConfig routes) {
        routes.post("/{namespace}/{repository}/info/lfs/objects/batch", this::batch);
        routes.post("/{namespace}/{repository}/info/lfs/objects/verify", this::verify);
        routes.put(FILE, this::put);
        routes.put(FILE + "/{upload}/{part}", this::putPart);
        routes.post(FILE + "/{upload}", this::complete);
    }

    private HubRepository writable(Context request) throws IOException {
        String folder = request.pathParam("repository");
        if (!folder.endsWith(".git")) {
            throw HubRefusal.repoNotFound(access.caller(request).isEmpty());
        }
        String name = folder.substring(0, folder.length() - ".git".length());
        return access.writable(request, request.pathParam("namespace"), name, "Authorization error.");
    }

    private void batch(Context request) throws IOException {
        var repository = writable(request);
        var body = JsonBody.read(request, JsonBody.MAX_BYTES);
        if (!JsonBody.text(body, "operation").equals("upload")) {
            throw HubRefusal.badRequest("the local Hub's LFS takes uploads; download by /resolve/");
        }
        boolean inParts = false;
        for (JsonNode transfer : body.path("transfers")) {
            inParts |= transfer.asText().equals("multipart");
        }
        List<Map<String, Object>> objects = new ArrayList<>();
        boolean anyInParts = false;
        for (var object : JsonBody.objects(body, "objects", MAX_OBJECTS)) {
            String oid = JsonBody.text(object, "oid");
            long bytes = JsonBody.size(object, "size");
            if (!Hashes.isSha256(oid)) {
                throw HubRefusal.badRequest("expected oid, a SHA-256 of 64 hexadecimal digits");
            }
            var answer = new LinkedHashMap<String, Object>();
            answer.put("oid", oid);
            answer.put("size", bytes);
            long room = Files.getFileStore(hub.root()).getUsableSpace();
            if (room < bytes) {
                String full = "the disk of the local Hub has room for " + room + " bytes";
                answer.put("error", Map.of("code", 507, "message", full));
            } else if (!repository.hasBlob(oid, bytes)) {
                boolean split = inParts && bytes > parts.partBytes();
                anyInParts |= split;
                answer.put("actions", actions(request, repository, oid, bytes, split));
            }
            objects.add(answer);
        }
        request.json(Map.of("transfer", anyInParts ? "multipart" : "basic", "objects", objects));
        request.contentType(LFS_JSON);
    }

    private Map<String, Object> actions(
            Context request, HubRepository repository, String oid, long bytes, boolean split) throws IOException {
        String path = "/_storage/" + repository.id() + "/" + oid + "/" + bytes;
        var upload = new LinkedHashMap<String, Object>();
        if (split) {
            long partBytes = parts.partBytes();
            if (PartHashes.count(bytes, partBytes) > MAX_PARTS) {
                throw new HubRefusal(413, "a file has at most " + MAX_PARTS + " parts of " + partBytes + " bytes");
            }
            String folder = path + "/" + parts.begin(repository);
            var header = new LinkedHashMap<String, String>();
            header.put("chunk_size", Long.toString(partBytes));
            for (int part = 1; part <= PartHashes.count(bytes, partBytes); part++) {
                String number = "%05d".formatted(part);
                header.put(number, addresses.sign(request, "PUT", folder + "/" + number));
            }
            upload.put("href", addresses.sign(request, "POST", folder));
            upload.put("header", header);
        } else {
            upload.put("href", addresses.sign(request, "PUT", path));
        }
        upload.put("expires_in", SignedAddresses.LIFETIME.toSeconds());
        String verify = SignedAddresses.origin(request) + "/" + repository.id() + ".git/info/lfs/objects/verify";
        return Map.of("upload", upload, "verify", Map.of("href", verify));
    }

    private void verify(Context request) throws IOException {
        var repository = writable(request);
        var body = JsonBody.read(request, JsonBody.MAX_BYTES);
        String oid = JsonBody.text(body, "oid");
        if (!Hashes.isSha256(oid) || !repository.hasBlob(oid, JsonBody.size(body, "size"))) {
            throw new HubRefusal(404, "the object was not uploaded");
        }
        request.contentType(LFS_JSON).result("{}");
    }

    /** Where a signed address belongs; what it says was right when it was signed. */
    private PartUploads.Target target(Context request) throws HubRefusal {
        addresses.check(request);
        String id = request.pathParam("namespace") + "/" + request.pathParam("name");
        var repository = hub.repository(RepoId.parse(id));
        if (!repository.exists()) {
            throw HubRefusal.repoNotFound(false); // deleted meanwhile
        }
        return new PartUploads.Target(repository, request.pathParam("oid"), Long.parseLong(request.pathParam("bytes")));
    }

    private void put(Context request) throws IOException, InterruptedException {
        var target = target(request);
        requireLength(request, target.bytes());
        try (PendingFile file = target.repository().newBlob()) {
            file.copy(request.bodyInputStream(), target.bytes());
            if (file.bytes() != target.bytes() || !file.sha256().equals(target.oid())) {
                throw HubRefusal.badRequest("expected " + target.bytes() + " bytes of SHA-256 " + target.oid()
                        + ", found " + file.bytes() + " of " + file.sha256());
            }
            target.repository().publish(file);
        }
        request.header("ETag", "\"" + target.oid() + "\"");
    }

    private void putPart(Context request) throws IOException {
        var target = target(request);
        int part = Integer.parseInt(request.pathParam("part")) - 1;
        requireLength(request, parts.bytesOf(target, part));
        String check = parts.write(target, request.pathParam("upload"), part, request.bodyInputStream());
        request.header("ETag", "\"" + check + "\"");
    }

    private static void requireLength(Context request, long bytes) throws HubRefusal {
        long length = request.req().getContentLengthLong();
        if (length != bytes) {
            throw HubRefusal.badRequest("expected a Content-Length of " + bytes + ", found " + length);
        }
    }

    private void complete(Context request) throws IOException, InterruptedException {
        var target = target(request);
        var body = JsonBody.read(request, JsonBody.MAX_BYTES);
        if (!JsonBody.text(body, "oid").equals(target.oid())) {
            throw HubRefusal.badRequest("expected the oid " + target.oid());
        }
        var checks = new ArrayList<String>();
        for (var part : JsonBody.objects(body, "parts", MAX_PARTS)) {
            if (JsonBody.size(part, "partNumber") != checks.size() + 1) {
                throw HubRefusal.badRequest("expected the parts in order, 1 first and none left out");
            }
            checks.add(JsonBody.text(part, "etag").replace("\"", ""));
        }
        parts.complete(target, request.pathParam("upload"), checks);
        request.contentType(LFS_JSON).result("{}");
    }
}
