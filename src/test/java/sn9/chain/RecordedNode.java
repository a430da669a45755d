package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.util.List;
import java.util.TreeMap;
import sn9.chain.scale.ScaleWriter;
import sn9.testing.SharedFiles;

/**
 * A scripted node that answers as the genuine runtime of spec version 293 did: its recorded exchanges, its whole state and
 * its metadata. Every block after the recorded one has the same state but for what a test changes.
 */
final class RecordedNode {
    static final String HEAD = "0xb733c778b13c1c188dc13dcae627d5c561d24a938ab67ba025e8864e0ed5e04c";

    private static final ObjectMapper JSON = new ObjectMapper();

    final ScriptedNode node = new ScriptedNode();
    final JsonNode recording;
    final TreeMap<String, String> state = new TreeMap<>();
    volatile String metadataFile = "metadata-dev-v15-spec293.scale";
    volatile boolean hasV15 = true;
    volatile long specVersion = 293;

    RecordedNode() throws IOException {
        recording =
                JSON.readTree(SharedFiles.file("chain/chain-recorded-293.json").toFile());
        JSON.readTree(SharedFiles.file("chain/chain-state-293.json").toFile())
                .get("entries")
                .properties()
                .forEach(entry -> state.put(entry.getKey(), entry.getValue().asText()));
        // The state was taken after the recorded extrinsics, the exchanges before them.
        for (JsonNode exchange : recording.get("exchanges")) {
            if (exchange.get("method").asText().equals("state_getStorage")) {
                String key = exchange.get("params").get(0).asText();
                state.put(key, exchange.get("result").asText());
                if (exchange.get("result").isNull()) {
                    state.remove(key);
                }
            }
        }
        node.on("chain_getBlockHash", call -> call.answer(hashOf(call.parameter(0))));
        node.on("chain_getFinalizedHead", call -> call.answer(HEAD));
        node.on("chain_getHeader", call -> call.answer(header(call.parameter(0).asText())));
        node.on(
                "state_getRuntimeVersion",
                call -> call.answer(JsonNodeFactory.instance
                        .objectNode()
                        .put("specVersion", specVersion)
                        .put("transactionVersion", 1)));
        node.on(
                "state_getStorage",
                call -> call.answer(state.get(call.parameter(0).asText())));
        node.on("state_getKeysPaged", this::keys);
        node.on("state_queryStorageAt", this::values);
        node.on(
                "state_getMetadata",
                call -> call.answer(Hex.of(SharedFiles.bytes("chain/metadata-dev-v14-spec293.scale"))));
        node.on("state_call", this::runtimeApi);
        node.on("system_accountNextIndex", call -> call.answer(10));
    }

    /** The recorded answer to a method, whose first parameter it was asked with. */
    JsonNode recorded(String method, String first) {
        for (JsonNode exchange : recording.get("exchanges")) {
            if (exchange.get("method").asText().equals(method)
                    && exchange.get("params").path(0).asText().equals(first)) {
                return exchange.get("result");
            }
        }
        throw new IllegalArgumentException(method + "(" + first + ") was not recorded");
    }

    private Object hashOf(JsonNode number) {
        int wanted = number.isMissingNode() ? 108 : number.asInt();
        if (wanted == 0) {
            return ScriptedNode.GENESIS;
        }
        if (wanted == 108) {
            return HEAD;
        }
        for (JsonNode extrinsic : recording.get("extrinsics")) {
            if (extrinsic.path("blockNumber").asInt() == wanted) {
                return extrinsic.get("blockHash");
            }
        }
        return wanted < 108 ? String.format("0x%064x", wanted) : null;
    }

    private Object header(String hash) {
        if (hash.equals(HEAD)) {
            return recorded("chain_getHeader", HEAD);
        }
        for (JsonNode extrinsic : recording.get("extrinsics")) {
            if (extrinsic.path("blockHash").asText().equals(hash)) {
                return extrinsic.get("block").get("block").get("header");
            }
        }
        return null;
    }

    private void keys(ScriptedNode.Call call) {
        String prefix = call.parameter(0).asText();
        call.answer(state.tailMap(call.parameter(2).asText(), false).keySet().stream()
                .filter(key -> key.startsWith(prefix))
                .limit(call.parameter(1).asInt())
                .toList());
    }

    private void values(ScriptedNode.Call call) {
        var changes = JsonNodeFactory.instance.arrayNode();
        for (JsonNode key : call.parameter(0)) {
            changes.addArray().add(key.asText()).add(state.get(key.asText()));
        }
        var set = JsonNodeFactory.instance.objectNode().put("block", HEAD);
        set.set("changes", changes);
        call.answer(List.of(set));
    }

    private void runtimeApi(ScriptedNode.Call call) throws IOException {
        String method = call.parameter(0).asText();
        if (!method.equals("Metadata_metadata_at_version")) {
            call.answer(recorded("state_call", method));
            return;
        }
        if (!hasV15) {
            call.error(4003, "Client error: Execution failed: Exported method is not found", null);
            return;
        }
        boolean asked = call.parameter(1).asText().equals("0x0f000000");
        byte[] blob = SharedFiles.bytes("chain/" + metadataFile);
        call.answer(asked ? Hex.of(new ScaleWriter().u8(1).byteList(blob).toBytes()) : "0x00");
    }
}
