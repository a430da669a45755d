package sn9.localnet.hub;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.UUID;
import org.eclipse.jetty.io.EofException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.RemoteCallException;
import sn9.localnet.LoopbackServer;

/**
 * Serves the Hub of a local network on loopback, in the protocol of huggingface.co: models, tokens, private repositories,
 * commits, git LFS uploads whole and in parts, downloads by range. Any number of servers and processes may share one
 * folder; everything outlives the server.
 *
 * <p>Not here, and said so when asked for: datasets and spaces, branches and tags, pull requests, Xet.
 */
public final class HubServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HubServer.class);

    /** Most bytes of a refused body that are read before the answer. */
    private static final long MAX_DRAINED_BYTES = 64 << 20;

    private final LoopbackServer server;

    private HubServer(LoopbackServer server) {
        this.server = server;
    }

    /**
     * How a server answers.
     *
     * @param partBytes larger files are uploaded in parts of this size
     * @param pageSize most entries of one answer that lists
     */
    record Settings(long partBytes, int pageSize) {
        static final Settings USUAL = new Settings(16 << 20, 1000);
    }

    /**
     * Starts a server, which answers from the moment this returns.
     *
     * @param localnetDir folder of the local network
     * @param port 0 for any free one
     */
    public static HubServer start(Path localnetDir, int port) throws IOException {
        return start(localnetDir, port, Settings.USUAL, InstantSource.system());
    }

    static HubServer start(Path localnetDir, int port, Settings settings, InstantSource clock) throws IOException {
        var hub = HubFolder.open(localnetDir);
        hub.finishDeletions();
        var access = new Access(hub, AccessTokens.open(localnetDir, clock));
        var names = new FileNames();
        var addresses = SignedAddresses.open(hub, clock);
        var uploads = new PartUploads(settings.partBytes(), clock);
        return new HubServer(LoopbackServer.start(port, config -> {
            RoutesConfig routes = config.routes;
            routes.before(
                    request -> request.header("X-Request-Id", UUID.randomUUID().toString()));
            new RepositoryRoutes(hub, access, names, clock).register(routes);
            new ListingRoutes(access, names, settings.pageSize()).register(routes);
            new CommitRoutes(access, names, clock).register(routes);
            new UploadRoutes(hub, access, addresses, uploads).register(routes);
            new ContentRoutes(hub, access, addresses, names).register(routes);
            routes.exception(HubRefusal.class, (refusal, request) -> refuse(request, refusal));
            routes.exception(
                    HttpResponseException.class,
                    (answer, request) -> refuse(request, new HubRefusal(answer.getStatus(), answer.getMessage())));
            routes.exception(NoSuchFileException.class, HubServer::deleted);
            routes.exception(RemoteCallException.class, HubServer::deleted); // what manifest() does not find
            routes.exception(EofException.class, (gone, request) -> LOG.debug("a client went away", gone));
            routes.exception(Exception.class, (failure, request) -> {
                LOG.warn("event=request_failed method={} path={}", request.method(), request.path(), failure);
                refuse(request, new HubRefusal(500, "Internal error of the local Hub"));
            });
        }));
    }

    /** {@code http://127.0.0.1:PORT}, the value of {@code HF_ENDPOINT}. */
    public URI address() {
        return server.address();
    }

    @Override
    public void close() {
        server.close();
    }

    /** What is missing amid a request was there at its beginning: somebody has deleted its repository. */
    private static void deleted(Exception gone, Context request) {
        LOG.info(
                "event=gone_amid_request method={} path={} reason=\"{}\"",
                request.method(),
                request.path(),
                gone.getMessage());
        refuse(request, HubRefusal.repoNotFound(false));
    }

    private static void refuse(Context request, HubRefusal refusal) {
        if (request.res().isCommitted()) {
            return; // its beginning is on its way; the connection ends before the length that was promised
        }
        LOG.debug("refused {} {}: {} {}", request.method(), request.path(), refusal.status(), refusal.getMessage());
        drain(request);
        refusal.code().ifPresent(code -> request.header("X-Error-Code", code));
        request.header("X-Error-Message", refusal.getMessage().replaceAll("[^ -~]", "?"));
        if (refusal.status() == 401) {
            request.header("WWW-Authenticate", "Bearer realm=\"Authentication required\", charset=\"UTF-8\"");
        }
        request.status(refusal.status()).json(refusal.body());
    }

    /** A client that is still sending reads no answer; one whose connection is cut would try again in vain. */
    private static void drain(Context request) {
        try {
            request.bodyInputStream().skip(MAX_DRAINED_BYTES);
        } catch (IOException e) {
            LOG.debug("a client went away", e);
        }
    }
}
