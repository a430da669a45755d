package sn9.localnet.rpc;

import io.javalin.websocket.WsConfig;
import io.javalin.websocket.WsContext;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import sn9.localnet.LocalChain;
import sn9.localnet.LoopbackServer;
import sn9.localnet.chain.EmbeddedChain;

/**
 * Serves the chain of a local network on loopback, in the protocol of a Substrate node: JSON-RPC over WebSocket, and over
 * HTTP POST for single questions. Several servers and processes may share one chain; everything outlives the server.
 *
 * <p>For rehearsal: one node makes all blocks, keys are what everybody can derive, and state is not in a Merkle trie.
 */
public final class ChainServer implements AutoCloseable {
    private static final int POLICY_VIOLATION = 1008;
    private static final long PING_SECONDS = 20;
    private static final Duration IDLE = Duration.ofMinutes(10);

    private final ChainNode node;
    private final Map<String, Client> clients = new ConcurrentHashMap<>();
    private LoopbackServer server;

    private ChainServer(ChainNode node) {
        this.node = node;
    }

    /** A client and the frames on their way to it. */
    private record Client(RpcSession session, Outbox outbox) {}

    /**
     * Starts a server, which answers from the moment this returns.
     *
     * @param localnetDir folder of a local network that is there
     * @param port 0 for any free one
     */
    public static ChainServer start(Path localnetDir, int port, ChainSettings settings) throws IOException {
        return start(localnetDir, port, settings, InstantSource.system());
    }

    /** As {@link #start(Path, int, ChainSettings)}; {@code clock} tells which block it is. */
    public static ChainServer start(Path localnetDir, int port, ChainSettings settings, InstantSource clock)
            throws IOException {
        EmbeddedChain chain = EmbeddedChain.open(LocalChain.file(localnetDir), clock);
        ChainServer chainServer = null;
        try {
            chainServer = new ChainServer(new ChainNode(chain, settings));
            chainServer.listen(port);
            ChainServer started = chainServer;
            chainServer = null;
            chain = null;
            return started;
        } finally {
            if (chainServer != null) {
                chainServer.node.close();
            } else if (chain != null) {
                chain.close();
            }
        }
    }

    private void listen(int port) throws IOException {
        server = LoopbackServer.start(port, config -> {
            config.jetty.modifyWebSocketServletFactory(factory -> {
                factory.setMaxTextMessageSize(Json.MAX_FRAME_BYTES);
                factory.setIdleTimeout(IDLE);
            });
            config.http.maxRequestSize = Json.MAX_FRAME_BYTES;
            config.routes.ws("/", this::webSocket);
            config.routes.post("/", request -> {
                StringBuilder answer = new StringBuilder();
                new RpcSession(node, 0, answer::append).receive(request.body());
                request.contentType("application/json").result(answer.toString());
            });
        });
    }

    /** {@code ws://127.0.0.1:PORT}, as clients take it for a chain's endpoint. */
    public URI address() {
        return URI.create(server.address().toString().replaceFirst("^http", "ws"));
    }

    @Override
    public void close() throws IOException {
        server.close();
        node.close();
    }

    private void webSocket(WsConfig ws) {
        ws.onConnect(this::connect);
        ws.onMessage(message -> {
            Client client = clients.get(message.sessionId());
            if (client != null) {
                client.session.receive(message.message());
            }
        });
        ws.onClose(this::disconnect);
        ws.onError(this::disconnect);
    }

    private void connect(WsContext context) {
        context.enableAutomaticPings(PING_SECONDS, TimeUnit.SECONDS);
        Outbox outbox = new Outbox(
                context::send, () -> context.closeSession(POLICY_VIOLATION, "too many notifications are waiting"));
        RpcSession session = new RpcSession(node, RpcSession.MAX_SUBSCRIPTIONS, outbox);
        clients.put(context.sessionId(), new Client(session, outbox));
        if (!node.add(session)) {
            context.closeSession(POLICY_VIOLATION, "too many connections");
        }
    }

    private void disconnect(WsContext context) {
        Client client = clients.remove(context.sessionId());
        if (client != null) {
            client.session.close();
            client.outbox.close();
        }
    }
}
