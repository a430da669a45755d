package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/** A relay of JSON-RPC messages before a node, which can spoil, hold back, invent or cut off any of them. */
final class FaultRelay implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String target;
    private final MockWebServer server = new MockWebServer();
    private final OkHttpClient client = new OkHttpClient();
    private final List<Link> links = new CopyOnWriteArrayList<>();
    private final List<String> called = new CopyOnWriteArrayList<>();
    private volatile Fault fault = new Fault() {};

    /** What is done to messages; each passes where nothing is said. */
    interface Fault {
        /** A request on its way to the node; false keeps it from there. */
        default boolean request(Link link, JsonNode request) throws IOException {
            return true;
        }

        /**
         * A message on its way to the client.
         *
         * @param method that it answers; empty for a notification
         * @return what is sent instead; empty for nothing
         */
        default Optional<String> message(Link link, Optional<String> method, String text) throws IOException {
            return Optional.of(text);
        }
    }

    FaultRelay(String target) throws IOException {
        this.target = target;
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return new MockResponse.Builder().webSocketUpgrade(new Link()).build();
            }
        });
        server.start();
    }

    String address() {
        return "ws://127.0.0.1:" + server.getPort();
    }

    void fault(Fault wanted) {
        fault = wanted;
    }

    /** The names of the methods called, in order. */
    List<String> called() {
        return List.copyOf(called);
    }

    int connections() {
        return links.size();
    }

    static JsonNode json(String text) throws IOException {
        return JSON.readTree(text);
    }

    @Override
    public void close() {
        links.forEach(Link::cut);
        server.close();
        client.dispatcher().executorService().shutdown();
        client.connectionPool().evictAll();
    }

    /** One client, and its connection to the node. */
    final class Link extends WebSocketListener {
        private final Map<Long, String> methods = new ConcurrentHashMap<>();
        private volatile WebSocket toClient;
        private volatile WebSocket toNode;

        /** Sends a text to the client. */
        void send(String text) {
            toClient.send(text);
        }

        /** Answers a request in the node's stead. */
        void answer(JsonNode request, Object result) {
            ObjectNode reply = JsonNodeFactory.instance.objectNode().put("jsonrpc", "2.0");
            reply.set("id", request.get("id"));
            send(reply.set("result", JSON.<JsonNode>valueToTree(result)).toString());
        }

        /** Sends a notification in the node's stead. */
        void notify(String subscription, Object result) {
            ObjectNode message = JsonNodeFactory.instance.objectNode().put("method", "author_extrinsicUpdate");
            message.putObject("params")
                    .put("subscription", subscription)
                    .set("result", JSON.<JsonNode>valueToTree(result));
            send(message.toString());
        }

        /** Ends the connection, as a node does that is restarted. */
        void cut() {
            toClient.close(1012, "restart");
            toNode.cancel();
        }

        @Override
        public synchronized void onOpen(WebSocket socket, Response response) {
            toClient = socket;
            toNode = client.newWebSocket(
                    new Request.Builder()
                            .url(target.replaceFirst("^ws", "http"))
                            .build(),
                    new FromNode());
            links.add(this);
        }

        @Override
        public synchronized void onMessage(WebSocket socket, String text) {
            try {
                JsonNode request = json(text);
                String method = request.get("method").asText();
                called.add(method);
                methods.put(request.get("id").asLong(), method);
                if (fault.request(this, request)) {
                    toNode.send(text);
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void onClosing(WebSocket socket, int code, String reason) {
            cut();
        }

        @Override
        public void onFailure(WebSocket socket, Throwable failure, Response response) {
            cut();
        }

        private final class FromNode extends WebSocketListener {
            @Override
            public void onMessage(WebSocket socket, String text) {
                try {
                    JsonNode message = json(text);
                    var method = message.has("id")
                            ? Optional.ofNullable(methods.get(message.get("id").asLong()))
                            : Optional.<String>empty();
                    fault.message(Link.this, method, text).ifPresent(Link.this::send);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }

            @Override
            public void onClosing(WebSocket socket, int code, String reason) {
                cut();
            }

            @Override
            public void onFailure(WebSocket socket, Throwable failure, Response response) {
                cut();
            }
        }
    }
}
