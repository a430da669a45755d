package sn9.localnet.hub;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import sn9.localnet.ByteRange;
import sn9.subnet.RepoId;

/**
 * Files on their way out (spec/hub.md 3.4): {@code resolve} sends small ones and redirects to a signed address of storage
 * for large ones; {@code raw} sends what git stores, for a large file its pointer.
 */
final class ContentRoutes {
    private final HubFolder hub;
    private final Access access;
    private final SignedAddresses addresses;
    private final FileNames names;

    ContentRoutes(HubFolder hub, Access access, SignedAddresses addresses, FileNames names) {
        this.hub = hub;
        this.access = access;
        this.addresses = addresses;
        this.names = names;
    }

    void register(RoutesConfig routes) {
        for (HandlerType method : new HandlerType[] {HandlerType.GET, HandlerType.HEAD}) {
            routes.addHttpHandler(method, "/{namespace}/{name}/resolve/{revision}/<path>", this::resolve);
            routes.addHttpHandler(method, "/{namespace}/{name}/raw/{revision}/<path>", this::raw);
            routes.addHttpHandler(method, "/_storage/{namespace}/{name}/{oid}/{bytes}", this::stored);
        }
    }

    private void resolve(Context request) throws IOException {
        var at = access.revision(request);
        request.header("X-Repo-Commit", at.commit());
        HubManifest.Entry file = file(at, request);
        String blobId = names.blobId(at.repository(), file);
        request.header("ETag", "\"" + blobId + "\"");
        request.header("Accept-Ranges", "bytes");
        if (FileNames.isLarge(file)) {
            request.header("X-Linked-Size", Long.toString(file.bytes()));
            request.header("X-Linked-ETag", "\"" + file.sha256() + "\"");
            String path = "/_storage/" + at.repository().id() + "/" + file.sha256() + "/" + file.bytes();
            request.header("Location", addresses.sign(request, "GET", path));
            request.status(302);
        } else {
            send(request, at.repository(), file.sha256(), file.bytes(), blobId);
        }
    }

    private void raw(Context request) throws IOException {
        var at = access.revision(request);
        request.header("X-Repo-Commit", at.commit());
        HubManifest.Entry file = file(at, request);
        String blobId = names.blobId(at.repository(), file);
        request.header("ETag", "\"" + blobId + "\"");
        if (FileNames.isLarge(file)) {
            request.contentType("text/plain").result(LargeFiles.pointer(file));
        } else {
            send(request, at.repository(), file.sha256(), file.bytes(), blobId);
        }
    }

    private static HubManifest.Entry file(Access.Revision at, Context request) throws HubRefusal {
        Optional<HubManifest.Entry> file = at.manifest().file(request.pathParam("path"));
        return file.orElseThrow(HubRefusal::entryNotFound);
    }

    private void stored(Context request) throws IOException {
        addresses.check(request);
        var repository = hub.repository(new RepoId(request.pathParam("namespace"), request.pathParam("name")));
        String oid = request.pathParam("oid");
        request.header("ETag", "\"" + oid + "\"");
        request.header("Accept-Ranges", "bytes");
        send(request, repository, oid, Long.parseLong(request.pathParam("bytes")), oid);
    }

    private static void send(Context request, HubRepository repository, String sha256, long bytes, String etag)
            throws IOException {
        try (FileChannel file = FileChannel.open(repository.blob(sha256), StandardOpenOption.READ)) {
            if (file.size() != bytes) {
                throw new IOException("the local Hub's content " + repository.blob(sha256) + " has " + file.size()
                        + " bytes, expected " + bytes);
            }
            String condition = request.header("If-Range");
            Optional<ByteRange> range = condition == null || condition.equals("\"" + etag + "\"")
                    ? ByteRange.parse(request.header("Range"), bytes)
                    : Optional.empty();
            request.contentType("application/octet-stream");
            if (range.isPresent() && range.get().isOutside()) {
                request.header("Content-Range", "bytes */" + bytes);
                throw new HubRefusal(416, "Requested range not satisfiable");
            }
            var part = range.orElse(new ByteRange(0, bytes));
            if (range.isPresent()) {
                request.status(206);
                request.header("Content-Range", part.contentRange(bytes));
            }
            request.res().setContentLengthLong(part.bytes());
            if (request.method() == HandlerType.GET) {
                part.copy(file, request.res().getOutputStream());
            }
        } catch (NoSuchFileException e) {
            throw HubRefusal.entryNotFound(); // deleted with its repository
        }
    }
}
