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
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * A node for tests: a WebSocket on loopback that answers by script, and may send anything instead of an answer. A method
 * without a script is an error, as it is for a node.
 */
final class ScriptedNode implements AutoCloseable {
    static final String GENESIS = "0x" + "45".repeat(32);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final MockWebServer server = new MockWebServer();
    private final Map<String, Method> methods = new ConcurrentHashMap<>();
    private final List<JsonNode> requests = new CopyOnWriteArrayList<>();
    private final List<WebSocket> sockets = new CopyOnWriteArrayList<>();
    private volatile Method fault;

    /** Answers a call. */
    interface Method {
        /** Sends what it likes; most call {@link Call#answer}. */
        void call(Call call) throws IOException;
    }

    /** One request, and the way back. */
    record Call(WebSocket socket, JsonNode request) {
        String method() {
            return request.get("method").asText();
        }

        JsonNode parameter(int place) {
            return request.get("params").path(place);
        }

        void answer(Object result) {
            socket.send(
                    reply().set("result", JSON.<JsonNode>valueToTree(result)).toString());
        }

        void error(int code, String message, String data) {
            var error = JsonNodeFactory.instance.objectNode().put("code", code).put("message", message);
            if (data != null) {
                error.put("data", data);
            }
            socket.send(reply().set("error", error).toString());
        }

        void notify(String subscription, Object result) {
            var parameters = JsonNodeFactory.instance.objectNode().put("subscription", subscription);
            parameters.set("result", JSON.<JsonNode>valueToTree(result));
            var message =
                    JsonNodeFactory.instance.objectNode().put("jsonrpc", "2.0").put("method", "notice");
            message.set("params", parameters);
            socket.send(message.toString());
        }

        void send(String text) {
            socket.send(text);
        }

        private ObjectNode reply() {
            var reply = JsonNodeFactory.instance.objectNode().put("jsonrpc", "2.0");
            reply.set("id", request.get("id"));
            return reply;
        }
    }

    ScriptedNode() throws IOException {
        on("chain_getBlockHash", call -> call.answer(GENESIS));
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return new MockResponse.Builder().webSocketUpgrade(new Socket()).build();
            }
        });
        server.start();
    }

    String address() {
        return "ws://127.0.0.1:" + server.getPort();
    }

    /** Sets how a method is answered. */
    ScriptedNode on(String method, Method answer) {
        methods.put(method, answer);
        return this;
    }

    /** Has every request answered so, until told otherwise by null; the genesis hash is given all the same. */
    void fault(Method answer) {
        fault = answer;
    }

    /** The names of the methods called, in order. */
    List<String> called() {
        return requests.stream().map(request -> request.get("method").asText()).toList();
    }

    /** How many connections were made. */
    int connections() {
        return sockets.size();
    }

    /** Ends every connection, as a node does that is restarted. */
    void cut() {
        sockets.forEach(socket -> socket.close(1012, "restart"));
    }

    @Override
    public void close() {
        cut();
        server.close();
    }

    private final class Socket extends WebSocketListener {
        @Override
        public void onOpen(WebSocket socket, Response response) {
            sockets.add(socket);
        }

        @Override
        public void onMessage(WebSocket socket, String text) {
            try {
                JsonNode request = JSON.readTree(text);
                requests.add(request);
                var call = new Call(socket, request);
                boolean genesis = call.method().equals("chain_getBlockHash")
                        && call.parameter(0).asInt(-1) == 0;
                var method = Optional.ofNullable(genesis ? null : fault).orElse(methods.get(call.method()));
                if (method == null) {
                    call.error(-32601, "Method not found", null);
                } else {
                    method.call(call);
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void onClosing(WebSocket socket, int code, String reason) {
            socket.close(code, reason);
        }
    }
}
