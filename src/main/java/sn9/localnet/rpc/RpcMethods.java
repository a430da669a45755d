package sn9.localnet.rpc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import sn9.MalformedDataException;
import sn9.chain.scale.ScaleReader;
import sn9.chain.scale.ScaleWriter;
import sn9.localnet.chain.Block;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.InvalidExtrinsicException;
import sn9.localnet.chain.Runtime;
import sn9.localnet.chain.RuntimeApis;
import sn9.wallet.Ss58;

/** Methods that are a question and an answer (spec/chain.md 1); subscriptions are {@link RpcSession}'s. */
final class RpcMethods {
    /** Methods that end a subscription, whatever of. */
    static final Set<String> UNSUBSCRIBE = Set.of(
            "chain_unsubscribeNewHeads",
            "chain_unsubscribeNewHead",
            "unsubscribe_newHead",
            "chain_unsubscribeAllHeads",
            "chain_unsubscribeFinalizedHeads",
            "chain_unsubscribeFinalisedHeads",
            "state_unsubscribeRuntimeVersion",
            "chain_unsubscribeRuntimeVersion",
            "state_unsubscribeStorage",
            "author_unwatchExtrinsic");

    private static final Set<String> SUBSCRIBE = Set.of(
            "chain_subscribeNewHeads",
            "chain_subscribeAllHeads",
            "chain_subscribeFinalizedHeads",
            "state_subscribeRuntimeVersion",
            "state_subscribeStorage",
            "author_submitAndWatchExtrinsic");

    /** Keys of one page. */
    private static final long MAX_PAGE = 1_000;

    /** An answer to the parameters of a request. */
    @FunctionalInterface
    private interface Method {
        JsonNode answer(Params params) throws RpcException, IOException;
    }

    private final ChainNode node;
    private final EmbeddedChain chain;
    private final Map<String, Method> methods = new TreeMap<>();

    RpcMethods(ChainNode node) {
        this.node = node;
        this.chain = node.chain();
        system();
        chain();
        state();
        author();
    }

    JsonNode call(String method, Params params) throws RpcException, IOException {
        Method found = methods.get(method);
        if (found == null) {
            throw new RpcException(RpcException.METHOD_NOT_FOUND, "Method not found: " + method);
        }
        return found.answer(params);
    }

    private void system() {
        methods.put("rpc_methods", p -> {
            Set<String> names = new TreeSet<>(methods.keySet());
            names.addAll(SUBSCRIBE);
            names.addAll(UNSUBSCRIBE);
            ArrayNode list = Json.array();
            names.forEach(list::add);
            return Json.object().set("methods", list);
        });
        methods.put("system_chain", p -> TextNode.valueOf(ChainServer.NAME));
        methods.put("system_chainType", p -> TextNode.valueOf("Local"));
        methods.put("system_name", p -> TextNode.valueOf("sn9 embedded chain, for rehearsal"));
        methods.put("system_version", p -> TextNode.valueOf("1"));
        methods.put("system_properties", p -> Json.object()
                .put("ss58Format", Ss58.BITTENSOR_PREFIX)
                .put("tokenDecimals", 9)
                .put("tokenSymbol", "TAO"));
        methods.put(
                "system_health",
                p -> Json.object().put("peers", 0).put("isSyncing", false).put("shouldHavePeers", false));
        methods.put("system_accountNextIndex", p -> {
            byte[] account = account(p.text(0));
            return LongNode.valueOf(chain.nonce(account));
        });
    }

    private void chain() {
        methods.put("chain_getBlockHash", p -> {
            if (p.isAbsent(0)) {
                return hash(Optional.of(node.best()));
            }
            return hash(chain.block(p.number(0))
                    .filter(b -> b.number() <= node.best().number()));
        });
        methods.put("chain_getHead", methods.get("chain_getBlockHash"));
        methods.put("chain_getFinalizedHead", p -> hash(Optional.of(node.finalized())));
        methods.put("chain_getFinalisedHead", methods.get("chain_getFinalizedHead"));
        methods.put("chain_getHeader", p -> {
            Optional<Block> block = find(p, 0);
            return block.isPresent() ? Json.header(block.get()) : NullNode.getInstance();
        });
        methods.put("chain_getBlock", p -> {
            Optional<Block> block = find(p, 0);
            if (block.isEmpty()) {
                return NullNode.getInstance();
            }
            ObjectNode answer = Json.object();
            ArrayNode extrinsics = answer.putObject("block")
                    .<ObjectNode>set("header", Json.header(block.get()))
                    .putArray("extrinsics");
            chain.extrinsics(block.get()).forEach(extrinsic -> extrinsics.add(Json.hex(extrinsic)));
            return answer.putNull("justifications");
        });
        methods.put("engine_createBlock", p -> {
            ObjectNode answer =
                    Json.object().put("hash", Json.hex(node.makeBlock().hash()));
            answer.putObject("aux").put("header_only", false).put("clear_justification_requests", false);
            return answer;
        });
    }

    private void state() {
        methods.put("state_getRuntimeVersion", p -> {
            at(p, 0);
            return Json.runtimeVersion();
        });
        methods.put("chain_getRuntimeVersion", methods.get("state_getRuntimeVersion"));
        methods.put(
                "state_getMetadata",
                p -> TextNode.valueOf(Json.hex(Runtime.embedded().blob(14).orElseThrow())));
        methods.put("state_getStorage", p -> {
            byte[] key = p.bytes(0);
            return hex(chain.look(at(p, 1), state -> state.raw(key)));
        });
        methods.put("state_getStorageAt", methods.get("state_getStorage"));
        methods.put("state_getStorageSize", p -> {
            byte[] key = p.bytes(0);
            Optional<byte[]> value = chain.look(at(p, 1), state -> state.raw(key));
            return value.isPresent() ? IntNode.valueOf(value.get().length) : NullNode.getInstance();
        });
        methods.put("state_queryStorageAt", p -> {
            List<byte[]> keys = p.keys(0);
            Block block = at(p, 1);
            ArrayNode changes = Json.array();
            chain.look(block, state -> {
                for (byte[] key : keys) {
                    changes.addArray().add(Json.hex(key)).add(hex(state.raw(key)));
                }
                return changes;
            });
            return Json.array()
                    .add(Json.object().put("block", Json.hex(block.hash())).set("changes", changes));
        });
        methods.put("state_getKeysPaged", p -> {
            byte[] prefix = p.isAbsent(0) ? new byte[0] : p.bytes(0);
            long count = p.number(1);
            if (count > MAX_PAGE) {
                throw RpcException.params("a page has at most " + MAX_PAGE + " keys");
            }
            Optional<byte[]> after = p.optionalBytes(2);
            ArrayNode keys = Json.array();
            chain.look(at(p, 3), state -> state.keys(prefix, after, (int) count))
                    .forEach(key -> keys.add(Json.hex(key)));
            return keys;
        });
        methods.put("state_getKeysPagedAt", methods.get("state_getKeysPaged"));
        methods.put("state_call", p -> {
            String name = p.text(0);
            return TextNode.valueOf(Json.hex(runtime(at(p, 2), name, p.bytes(1))));
        });
        methods.put("state_callAt", methods.get("state_call"));
        methods.put("payment_queryInfo", this::queryInfo);
    }

    private void author() {
        methods.put("author_submitExtrinsic", p -> {
            byte[] extrinsic = p.bytes(0);
            synchronized (node) {
                try {
                    var submitted = node.submit(extrinsic);
                    if (submitted.block().isPresent()) {
                        node.sealIfInstant();
                    }
                    return TextNode.valueOf(Json.hex(submitted.hash()));
                } catch (InvalidExtrinsicException e) {
                    throw RpcException.of(e);
                }
            }
        });
        methods.put("author_pendingExtrinsics", p -> {
            ArrayNode pending = Json.array();
            node.early().forEach(extrinsic -> pending.add(Json.hex(extrinsic)));
            return pending;
        });
    }

    private JsonNode queryInfo(Params params) throws RpcException, IOException {
        byte[] extrinsic = params.bytes(0);
        byte[] arguments =
                new ScaleWriter().bytes(extrinsic).u32(extrinsic.length).toBytes();
        var in = new ScaleReader("fee", runtime(at(params, 1), "TransactionPaymentApi_query_info", arguments));
        ObjectNode answer = Json.object();
        answer.putObject("weight").put("refTime", in.compact()).put("proofSize", in.compact());
        answer.put("class", List.of("normal", "operational", "mandatory").get(in.u8()));
        return answer.put("partialFee", in.unsigned(Long.BYTES).toString());
    }

    private byte[] runtime(Block block, String name, byte[] arguments) throws RpcException, IOException {
        EmbeddedChain.Look<byte[]> call;
        try {
            call = RuntimeApis.call(name, arguments)
                    .orElseThrow(() -> new RpcException(
                            RpcException.CLIENT_ERROR,
                            "Client error: Execution failed: Other: Exported method " + name + " is not found"));
        } catch (MalformedDataException e) {
            throw new RpcException(RpcException.CLIENT_ERROR, "Client error: Execution failed: " + e.getMessage());
        }
        return chain.look(block, call);
    }

    /** The block that a parameter names; the latest where it names none. */
    private Block at(Params params, int place) throws RpcException, IOException {
        return find(params, place)
                .orElseThrow(() -> new RpcException(
                        RpcException.CLIENT_ERROR,
                        "Client error: UnknownBlock: State already discarded, or never made, for this hash; the latest "
                                + EmbeddedChain.HISTORY_BLOCKS + " blocks are kept"));
    }

    private Optional<Block> find(Params params, int place) throws RpcException, IOException {
        Optional<byte[]> hash = params.hash(place);
        return hash.isPresent() ? chain.block(hash.get()) : Optional.of(node.best());
    }

    private static byte[] account(String address) throws RpcException {
        try {
            return Ss58.decode(address);
        } catch (IllegalArgumentException e) {
            throw RpcException.params(e.getMessage().toLowerCase(Locale.ROOT));
        }
    }

    private static JsonNode hash(Optional<Block> block) {
        return hex(block.map(Block::hash));
    }

    private static JsonNode hex(Optional<byte[]> bytes) {
        return bytes.isPresent() ? TextNode.valueOf(Json.hex(bytes.get())) : NullNode.getInstance();
    }
}
