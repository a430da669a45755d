package sn9.localnet.rpc;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.localnet.chain.Block;
import sn9.localnet.chain.InvalidExtrinsicException;

/**
 * One client: text in, text out. Requests are answered one after the other; what it has subscribed to is sent in between. It
 * knows nothing of how the text travels.
 */
final class RpcSession implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RpcSession.class);

    /** Subscriptions of a connection that stays open. */
    static final int MAX_SUBSCRIPTIONS = 1_024;

    /** Requests of one batch. */
    private static final int MAX_BATCH = 256;

    private final ChainNode node;
    private final RpcMethods methods;
    private final int maxSubscriptions;
    private final Consumer<String> out;
    private final Map<String, Subscription> subscriptions = new LinkedHashMap<>();

    /**
     * Starts without subscriptions.
     *
     * @param maxSubscriptions 0 where nothing can be sent but answers
     * @param out sends a frame; must not wait for the client
     */
    RpcSession(ChainNode node, int maxSubscriptions, Consumer<String> out) {
        this.node = node;
        this.maxSubscriptions = maxSubscriptions;
        this.methods = new RpcMethods(node);
        this.out = out;
    }

    /** Answers a request or a batch of them. */
    void receive(String text) {
        JsonNode request;
        try {
            request = Json.MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            out.accept(failure(null, new RpcException(RpcException.PARSE_ERROR, "Parse error"))
                    .toString());
            return;
        }
        if (!request.isArray()) {
            respond(request).ifPresent(response -> out.accept(response.toString()));
            return;
        }
        if (request.isEmpty() || request.size() > MAX_BATCH) {
            out.accept(failure(null, invalid("a batch has 1 to " + MAX_BATCH + " requests"))
                    .toString());
            return;
        }
        ArrayNode responses = Json.array();
        request.forEach(one -> respond(one).ifPresent(responses::add));
        if (!responses.isEmpty()) {
            out.accept(responses.toString());
        }
    }

    /** The response of one request; none for a notification, which nobody has a use for here. */
    private Optional<ObjectNode> respond(JsonNode request) {
        JsonNode id = request.get("id");
        JsonNode params = request.path("params");
        boolean valid = request.path("method").isTextual() && (params.isArray() || params.isMissingNode());
        if (!valid || id == null || id.isContainerNode()) {
            return valid && id == null
                    ? Optional.empty()
                    : Optional.of(failure(null, invalid("expected id, method and a list of params")));
        }
        String method = request.get("method").textValue();
        try {
            ObjectNode response = Json.object().put("jsonrpc", "2.0");
            response.set("result", answer(method, new Params(params)));
            return Optional.of(response.set("id", id));
        } catch (RpcException e) {
            return Optional.of(failure(id, e));
        } catch (IOException e) {
            LOG.warn("{} failed: {}", method, e.getMessage());
            return Optional.of(failure(id, new RpcException(RpcException.INTERNAL_ERROR, e.getMessage())));
        }
    }

    private JsonNode answer(String method, Params params) throws RpcException, IOException {
        switch (method) {
            case "chain_subscribeNewHeads", "chain_subscribeNewHead", "subscribe_newHead" -> {
                return heads(new Subscription.Heads("chain_newHead", false));
            }
            case "chain_subscribeAllHeads" -> {
                return heads(new Subscription.Heads("chain_allHead", false));
            }
            case "chain_subscribeFinalizedHeads", "chain_subscribeFinalisedHeads" -> {
                return heads(new Subscription.Heads("chain_finalizedHead", true));
            }
            case "state_subscribeRuntimeVersion", "chain_subscribeRuntimeVersion" -> {
                String id = subscribe(new Subscription.Version());
                notify(id, Json.runtimeVersion());
                return TextNode.valueOf(id);
            }
            case "state_subscribeStorage" -> {
                synchronized (node) {
                    var storage = new Subscription.Storage(params.keys(0));
                    String id = subscribe(storage);
                    storageChanges(id, storage, node.best());
                    return TextNode.valueOf(id);
                }
            }
            case "author_submitAndWatchExtrinsic" -> {
                return submitAndWatch(params.bytes(0));
            }
            default -> {
                if (RpcMethods.UNSUBSCRIBE.contains(method)) {
                    synchronized (node) {
                        boolean there = subscriptions.remove(params.text(0)) != null;
                        return BooleanNode.valueOf(there);
                    }
                }
                return methods.call(method, params);
            }
        }
    }

    /** The present head comes first, without a block having been made. */
    private JsonNode heads(Subscription.Heads heads) throws RpcException, IOException {
        synchronized (node) {
            String id = subscribe(heads);
            notify(id, Json.header(heads.finalized() ? node.finalized() : node.best()));
            return TextNode.valueOf(id);
        }
    }

    private JsonNode submitAndWatch(byte[] extrinsic) throws RpcException, IOException {
        synchronized (node) {
            requireRoom();
            ChainNode.Submitted submitted;
            try {
                submitted = node.submit(extrinsic);
            } catch (InvalidExtrinsicException e) {
                throw RpcException.of(e);
            }
            String id = subscribe(new Subscription.Watch(submitted.hash(), submitted.block()));
            notify(id, TextNode.valueOf(submitted.block().isPresent() ? "ready" : "future"));
            if (submitted.block().isPresent()) {
                node.sealIfInstant();
            }
            return TextNode.valueOf(id);
        }
    }

    /** A block was made. */
    void made(Block block) throws IOException {
        for (var entry : Map.copyOf(subscriptions).entrySet()) {
            switch (entry.getValue()) {
                case Subscription.Heads heads -> {
                    if (!heads.finalized()) {
                        notify(entry.getKey(), Json.header(block));
                    }
                }
                case Subscription.Storage storage -> storageChanges(entry.getKey(), storage, block);
                case Subscription.Watch watch -> {
                    if (watch.block().equals(Optional.of(block.number()))) {
                        notify(entry.getKey(), Json.object().put("inBlock", Json.hex(block.hash())));
                    }
                }
                case Subscription.Version _ -> {}
            }
        }
    }

    /** A block became final. */
    void finalized(Block block) {
        for (var entry : Map.copyOf(subscriptions).entrySet()) {
            switch (entry.getValue()) {
                case Subscription.Heads heads -> {
                    if (heads.finalized()) {
                        notify(entry.getKey(), Json.header(block));
                    }
                }
                case Subscription.Watch watch -> {
                    if (watch.block().equals(Optional.of(block.number()))) {
                        notify(entry.getKey(), Json.object().put("finalized", Json.hex(block.hash())));
                        subscriptions.remove(entry.getKey());
                    }
                }
                case Subscription.Storage _, Subscription.Version _ -> {}
            }
        }
    }

    /** An extrinsic that waited for earlier ones has come into a block that is being made. */
    void included(byte[] hash, long number) {
        subscriptions.forEach((id, subscription) -> {
            if (subscription instanceof Subscription.Watch watch && Arrays.equals(watch.hash(), hash)) {
                watch.included(number);
                notify(id, TextNode.valueOf("ready"));
            }
        });
    }

    /** An extrinsic that waited can no longer be included. */
    void invalid(byte[] hash) {
        for (var entry : Map.copyOf(subscriptions).entrySet()) {
            if (entry.getValue() instanceof Subscription.Watch watch && Arrays.equals(watch.hash(), hash)) {
                notify(entry.getKey(), TextNode.valueOf("invalid"));
                subscriptions.remove(entry.getKey());
            }
        }
    }

    @Override
    public void close() {
        node.remove(this);
    }

    private void storageChanges(String id, Subscription.Storage storage, Block block) throws IOException {
        ArrayNode changes = Json.array();
        node.chain().look(block, state -> {
            for (byte[] key : storage.keys()) {
                Optional<String> value = state.raw(key).map(Json::hex);
                if (storage.changes(Json.hex(key), value)) {
                    changes.addArray().add(Json.hex(key)).add(value.orElse(null));
                }
            }
            return changes;
        });
        if (!changes.isEmpty()) {
            notify(id, Json.object().put("block", Json.hex(block.hash())).set("changes", changes));
        }
    }

    private String subscribe(Subscription subscription) throws RpcException {
        synchronized (node) {
            requireRoom();
            String id = UUID.randomUUID().toString().replace("-", "").substring(0, 16);
            subscriptions.put(id, subscription);
            return id;
        }
    }

    private void requireRoom() throws RpcException {
        if (subscriptions.size() >= maxSubscriptions) {
            throw new RpcException(
                    RpcException.TOO_MANY_SUBSCRIPTIONS,
                    "Too many subscriptions on the connection: at most " + maxSubscriptions);
        }
    }

    private void notify(String id, JsonNode result) {
        Subscription subscription = subscriptions.get(id);
        ObjectNode notification = Json.object().put("jsonrpc", "2.0").put("method", subscription.notification());
        notification.putObject("params").put("subscription", id).set("result", result);
        out.accept(notification.toString());
    }

    private static RpcException invalid(String reason) {
        return new RpcException(RpcException.INVALID_REQUEST, "Invalid request: " + reason);
    }

    private static ObjectNode failure(JsonNode id, RpcException e) {
        ObjectNode response = Json.object().put("jsonrpc", "2.0");
        ObjectNode error = response.putObject("error").put("code", e.code()).put("message", e.getMessage());
        e.data().ifPresent(data -> error.put("data", data));
        response.set("id", id);
        return response;
    }
}
