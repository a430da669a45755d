package sn9.localnet.hub;

import io.javalin.http.Context;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import sn9.localnet.LocalHub;
import sn9.localnet.LoopbackServer;
import sn9.subnet.RepoId;

/** Serves the Hub of a local network on loopback. Any number of servers and processes may share one folder. */
public final class HubServer implements AutoCloseable {
    private final LocalHub hub;
    private final LoopbackServer server;

    private HubServer(LocalHub hub, int port) throws IOException {
        this.hub = hub;
        this.server = LoopbackServer.start(
                port, config -> config.routes.get("/api/models/{namespace}/{name}", this::modelInfo));
    }

    /**
     * Starts a server, which answers from the moment this returns.
     *
     * @param localnetDir folder of the local network
     * @param port 0 for any free one
     */
    public static HubServer start(Path localnetDir, int port) throws IOException {
        return new HubServer(LocalHub.open(localnetDir), port);
    }

    /** {@code http://127.0.0.1:PORT}, the value of {@code HF_ENDPOINT}. */
    public URI address() {
        return server.address();
    }

    @Override
    public void close() {
        server.close();
    }

    private void modelInfo(Context request) throws IOException {
        var repo = new RepoId(request.pathParam("namespace"), request.pathParam("name")).toString();
        var head = hub.head(repo);
        if (head.isEmpty()) {
            request.status(404).header("X-Error-Code", "RepoNotFound").json(Map.of("error", "Repository not found"));
            return;
        }
        var siblings = hub.files(repo, head.get()).stream()
                .map(file -> Map.of("rfilename", file.path(), "size", file.bytes()))
                .toList();
        request.json(Map.of("id", repo, "sha", head.get(), "private", false, "siblings", siblings));
    }
}
