package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.http.StrictJson;
import sn9.http.WebSocketConnection;

/**
 * JSON-RPC 2.0 over one WebSocket (spec/chain.md 1). Calls of several threads share it; each has its own time limit. A
 * notification may come before the answer that names its subscription, and is kept until then. Once over it stays over.
 */
final class RpcConnection implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RpcConnection.class);

    /** Genuine metadata has two thirds of a mebibyte in hexadecimal digits, a full block less than ten. */
    static final int MAX_MESSAGE_BYTES = 24 << 20;

    /** Longer notifications are none of ours: a status names a block or a few dozen peers. */
    private static final int MAX_NOTIFICATION_CHARACTERS = 64 << 10;

    /** Notifications that wait for an answer to name them: more are forgotten, the oldest first. */
    private static final int MAX_EARLY = 256;

    /** Of what a node says about an error. */
    private static final int MAX_ERROR_CHARACTERS = 300;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String endpoint;
    private final Map<Long, CompletableFuture<JsonNode>> pending = new HashMap<>();
    private final Map<String, Subscription> subscriptions = new HashMap<>();
    private final Map<String, List<JsonNode>> early = new LinkedHashMap<>();
    private WebSocketConnection socket; // set before anybody else sees this
    private int earlyCount;
    private long lastId;
    private Optional<String> over = Optional.empty();

    /** A connection without a peer, which can only {@link #receive}. */
    RpcConnection(String endpoint) {
        this.endpoint = endpoint;
    }

    /** Connects within a time. */
    static RpcConnection open(String endpoint, Duration timeout) throws RemoteCallException, InterruptedException {
        var connection = new RpcConnection(endpoint);
        connection.socket = WebSocketConnection.open(
                endpoint, timeout, MAX_MESSAGE_BYTES, new WebSocketConnection.Listener() {
                    @Override
                    public void text(String message) {
                        if (!connection.receive(message)) {
                            connection.socket.close();
                        }
                    }

                    @Override
                    public void closed(String reason) {
                        connection.end("connection " + reason);
                    }
                });
        return connection;
    }

    String endpoint() {
        return endpoint;
    }

    synchronized boolean isOpen() {
        return over.isEmpty();
    }

    /**
     * Calls a method.
     *
     * @return the result, which may be null in JSON's sense
     * @throws RpcErrorException when the node answers with an error
     * @throws ChainException retryable, when the connection is over or no answer comes within the time
     */
    JsonNode call(Duration timeout, String method, Object... parameters)
            throws RemoteCallException, InterruptedException {
        var answer = new CompletableFuture<JsonNode>();
        long id = register(method, answer);
        LOG.trace("event=rpc endpoint={} id={} method={}", endpoint, id, method);
        try {
            socket.send(request(id, method, parameters));
            return result(method, answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            throw new ChainException(
                    endpoint + " " + method + ": no answer within " + timeout.toMillis() + " ms", true, e);
        } catch (ExecutionException e) {
            throw new ChainException(
                    endpoint + " " + method + ": " + e.getCause().getMessage(), true, e.getCause());
        } finally {
            forget(id);
        }
    }

    /** Calls a method that begins a subscription; throws as {@link #call} does. */
    Subscription subscribe(Duration timeout, String method, Object... parameters)
            throws RemoteCallException, InterruptedException {
        JsonNode id = call(timeout, method, parameters);
        if (!id.isTextual() && !id.isIntegralNumber()) {
            throw new ChainException(
                    endpoint + " " + method + ": expected the id of a subscription, found " + Hex.brief(id), true);
        }
        var subscription = new Subscription(id.asText());
        synchronized (this) {
            var waiting = early.remove(subscription.id());
            if (waiting != null) {
                earlyCount -= waiting.size();
                waiting.forEach(subscription::add);
            }
            over.ifPresent(subscription::end);
            subscriptions.put(subscription.id(), subscription);
        }
        return subscription;
    }

    /** Forgets a subscription and tells the node, without waiting for its answer. */
    void unsubscribe(String method, Subscription subscription) {
        synchronized (this) {
            subscriptions.remove(subscription.id());
        }
        try {
            socket.send(request(0, method, subscription.id()));
        } catch (RemoteCallException e) {
            LOG.debug("{}: {}", method, e.getMessage());
        }
    }

    @Override
    public void close() {
        socket.close();
        end("closed");
    }

    private synchronized long register(String method, CompletableFuture<JsonNode> answer) throws ChainException {
        if (over.isPresent()) {
            throw new ChainException(endpoint + " " + method + ": " + over.get(), true);
        }
        pending.put(++lastId, answer);
        return lastId;
    }

    private synchronized void forget(long id) {
        pending.remove(id);
    }

    private static String request(long id, String method, Object... parameters) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        for (Object parameter : parameters) {
            list.add(JSON.<JsonNode>valueToTree(parameter));
        }
        return JsonNodeFactory.instance
                .objectNode()
                .put("jsonrpc", "2.0")
                .put("id", id)
                .put("method", method)
                .set("params", list)
                .toString();
    }

    private JsonNode result(String method, JsonNode answer) throws ChainException {
        JsonNode error = answer.get("error");
        if (error != null && !error.isNull()) {
            JsonNode data = error.path("data");
            String more = data.isMissingNode() ? "" : ": " + (data.isTextual() ? data.textValue() : data.toString());
            throw new RpcErrorException(
                    endpoint + " " + method,
                    error.path("code").asInt(),
                    printable(error.path("message").asText() + more));
        }
        JsonNode result = answer.get("result");
        if (result == null) {
            throw new ChainException(
                    endpoint + " " + method + ": expected a result or an error, found " + Hex.brief(answer), true);
        }
        return result;
    }

    /** What a node says, for a message: short, and without line ends or other control characters. */
    private static String printable(String text) {
        String line = text.replaceAll("\\p{Cc}", " ");
        return line.length() > MAX_ERROR_CHARACTERS ? line.substring(0, MAX_ERROR_CHARACTERS) + "..." : line;
    }

    /**
     * Takes one message of the node: an answer, or a notification.
     *
     * @return false when it is not JSON, or too long a notification, which ends the connection
     */
    boolean receive(String message) {
        JsonNode json;
        try {
            json = StrictJson.parse(endpoint, message.getBytes(StandardCharsets.UTF_8));
        } catch (MalformedDataException e) {
            end("the node sent what is not JSON: " + e.getMessage());
            return false;
        }
        if (json.has("method")) {
            if (message.length() > MAX_NOTIFICATION_CHARACTERS) {
                end("the node sent a notification of " + message.length() + " characters, expected at most "
                        + MAX_NOTIFICATION_CHARACTERS);
                return false;
            }
            notified(json.path("params"));
        } else if (json.path("id").isIntegralNumber()) {
            answered(json.get("id").longValue(), json);
        } else {
            LOG.debug("{}: a message without an id: {}", endpoint, Hex.brief(json));
        }
        return true;
    }

    private void answered(long id, JsonNode answer) {
        CompletableFuture<JsonNode> waiting;
        synchronized (this) {
            waiting = pending.remove(id);
        }
        if (waiting == null) {
            LOG.debug("{}: an answer to no question: id={}", endpoint, id);
        } else {
            waiting.complete(answer);
        }
    }

    private synchronized void notified(JsonNode parameters) {
        String id = parameters.path("subscription").asText();
        JsonNode result = parameters.path("result");
        var subscription = subscriptions.get(id);
        if (subscription != null) {
            subscription.add(result);
            return;
        }
        early.computeIfAbsent(id, _ -> new ArrayList<>()).add(result);
        if (++earlyCount > MAX_EARLY) {
            var oldest = early.entrySet().iterator();
            earlyCount -= oldest.next().getValue().size();
            oldest.remove();
        }
    }

    private void end(String reason) {
        List<CompletableFuture<JsonNode>> waiting;
        synchronized (this) {
            if (over.isPresent()) {
                return;
            }
            over = Optional.of(reason);
            waiting = List.copyOf(pending.values());
            subscriptions.values().forEach(subscription -> subscription.end(reason));
        }
        waiting.forEach(answer -> answer.completeExceptionally(new ChainException(reason, true)));
    }
}
