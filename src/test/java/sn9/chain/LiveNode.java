package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.chain.scale.Calls;
import sn9.chain.scale.Era;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.MetadataReader;
import sn9.chain.scale.ScaleReader;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.Value;
import sn9.testing.SharedFiles;
import sn9.wallet.Ss58;

/**
 * A {@link RecordedNode} whose chain goes on: it takes extrinsics, checks their nonces and eras, applies commitments and
 * weights, and makes a block of each. It may report on them, or behave as nodes do on bad days.
 */
final class LiveNode implements AutoCloseable {
    /** What the node does with a submission. */
    enum Manner {
        /** Includes it and says so. */
        HONEST,
        /** Includes it, and its connection breaks before it says so. */
        CUT_AFTER_INCLUSION,
        /** Includes it and never answers. */
        DUMB,
        /** Says that it is ready, and forgets it. */
        FORGETFUL,
        /** Includes it, takes the block back, and includes it in the next. */
        FORKING,
        /** The connection breaks before the extrinsic is looked at. */
        CUT_BEFORE
    }

    private static final byte[] ALICE_HOTKEY = Ss58.decode("5Gy1LKtRbh3WPjjLqBAwhLf6qYbDnYEkY1YVDRuhxNKRPpAf");

    final RecordedNode recorded = new RecordedNode();
    volatile Manner manner = Manner.HONEST;
    volatile String events = "";

    private final Metadata metadata =
            MetadataReader.read("metadata", SharedFiles.bytes("chain/metadata-dev-v15-spec293.scale"));
    private final List<List<String>> blocks = new ArrayList<>(); // extrinsics of block 109 and on
    private final Map<String, Integer> nonces = new HashMap<>();
    private final List<String> included = new ArrayList<>();

    LiveNode() throws IOException {
        events = "set_commitment ok";
        // The state was taken some blocks after the block that the others count from.
        storeNonce(ALICE_HOTKEY, 0);
        store("SubtensorModule", "LastUpdate", Value.items(Value.of(68), Value.of(21)), Value.of(9));
        var node = recorded.node;
        node.on("chain_getBlockHash", call -> call.answer(hashOf(call.parameter(0))));
        node.on("chain_getFinalizedHead", call -> call.answer(hash(head())));
        node.on(
                "chain_getHeader",
                call -> call.answer(header(number(call.parameter(0).asText()))));
        node.on(
                "chain_getBlock",
                call -> call.answer(block(number(call.parameter(0).asText()))));
        node.on("system_accountNextIndex", call -> call.answer(nextNonce()));
        node.on("author_submitAndWatchExtrinsic", this::submit);
    }

    /** The calls that were included, in order, by name. */
    synchronized List<String> included() {
        return List.copyOf(included);
    }

    synchronized int head() {
        return 108 + blocks.size();
    }

    /** Makes blocks without extrinsics. */
    synchronized void advance(int count) {
        for (int i = 0; i < count; i++) {
            blocks.add(List.of("0x280402000bc851dc769b01"));
        }
    }

    String address() {
        return recorded.node.address();
    }

    /** Stores a value. */
    void store(String pallet, String item, Value value, Value... keys) throws IOException {
        var found = StorageItem.of(metadata, pallet, item);
        recorded.state.put(
                Hex.of(found.key(keys)),
                Hex.of(metadata.types().bytes(found.entry().value(), value)));
    }

    @Override
    public void close() {
        recorded.node.close();
    }

    private void submit(ScriptedNode.Call call) throws IOException {
        if (manner == Manner.CUT_BEFORE) {
            recorded.node.cut();
            return;
        }
        if (manner == Manner.FORGETFUL) {
            call.answer("watch");
            call.notify("watch", "ready");
            return;
        }
        String extrinsic = call.parameter(0).asText();
        String refusal = apply(extrinsic);
        if (refusal != null) {
            call.error(1010, "Invalid Transaction", refusal);
            return;
        }
        String hash = hash(head());
        switch (manner) {
            case CUT_AFTER_INCLUSION -> recorded.node.cut();
            case FORKING -> {
                call.answer("watch");
                call.notify("watch", Map.of("inBlock", "0x" + "ee".repeat(32)));
                call.notify("watch", Map.of("retracted", "0x" + "ee".repeat(32)));
                call.notify("watch", Map.of("inBlock", hash));
                call.notify("watch", Map.of("finalized", hash));
            }
            case HONEST -> {
                call.notify("watch", "ready");
                call.answer("watch");
                call.notify("watch", Map.of("inBlock", hash));
                call.notify("watch", Map.of("finalized", hash));
            }
            default -> {
                // Says nothing.
            }
        }
    }

    /** Includes an extrinsic in a block of its own; what the pool has against it, or null. */
    private synchronized String apply(String extrinsic) throws IOException {
        byte[] bytes = HexFormat.of().parseHex(extrinsic, 2, extrinsic.length());
        var in = new ScaleReader("extrinsic", bytes);
        in.count(1);
        in.bytes(2); // version, kind of address
        byte[] signer = in.bytes(32);
        in.bytes(65); // kind of signature, signature
        Era era = Era.read(in);
        long nonce = in.compact(Integer.MAX_VALUE);
        in.compact(); // tip
        in.u8(); // metadata hash
        int expected = nonces.getOrDefault(Hex.of(signer), 0);
        if (nonce < expected) {
            return "Transaction is outdated";
        }
        if (era.death(head()) <= head() + 1) {
            return "Transaction has an ancient birth block";
        }
        var choice = Calls.decode(metadata, in).choice();
        var name = choice.at(0).choice().name();
        var arguments = choice.at(0).choice().fields();
        blocks.add(List.of("0x280402000bc851dc769b01", extrinsic));
        included.add(name);
        nonces.put(Hex.of(signer), expected + 1);
        storeNonce(signer, expected + 1);
        setEvents();
        switch (name) {
            case "set_commitment" ->
                store(
                        "Commitments",
                        "CommitmentOf",
                        Value.struct(
                                "deposit", Value.of(0), "block", Value.of(head()), "info", arguments.field("info")),
                        arguments.field("netuid"),
                        Value.of(signer));
            case "set_weights" -> storeWeights(arguments);
            case "commit_weights" ->
                store(
                        "SubtensorModule",
                        "WeightCommits",
                        Value.items(Value.items(
                                arguments.field("commit_hash"), Value.of(head()), Value.of(0), Value.of(0))),
                        arguments.field("netuid"),
                        Value.of(signer));
            case "reveal_weights" ->
                storeWeights(Value.struct(
                        "netuid",
                        arguments.field("netuid"),
                        "dests",
                        arguments.field("uids"),
                        "weights",
                        arguments.field("values")));
            default -> throw new IllegalArgumentException(name);
        }
        return null;
    }

    private void storeWeights(Value arguments) throws IOException {
        var pairs = new ArrayList<Value>();
        var uids = arguments.field("dests").items();
        for (int i = 0; i < uids.size(); i++) {
            pairs.add(Value.items(uids.get(i), arguments.field("weights").at(i)));
        }
        store("SubtensorModule", "Weights", new Value.Items(pairs), arguments.field("netuid"), Value.of(0));
    }

    private void storeNonce(byte[] signer, long nonce) throws IOException {
        var account = StorageItem.of(metadata, "System", "Account");
        var fields = new LinkedHashMap<>(
                ((Value.Struct) account.value(account.entry().fallback())).fields());
        fields.put("nonce", Value.of(nonce));
        store("System", "Account", new Value.Struct(fields), Value.of(signer));
    }

    /** The recorded events of a submission: of its extrinsic, which is the second of its block. */
    private void setEvents() {
        for (JsonNode entry : recorded.recording.get("extrinsics")) {
            if (entry.get("label").asText().equals(events)) {
                recorded.state.put(
                        "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7",
                        entry.get("eventsHex").asText());
            }
        }
    }

    private synchronized int nextNonce() {
        return nonces.values().stream().findFirst().orElse(0);
    }

    private String hashOf(JsonNode wanted) {
        int number = wanted.isMissingNode() ? head() : wanted.asInt();
        return number == 0 ? ScriptedNode.GENESIS : number <= head() ? hash(number) : null;
    }

    private static String hash(int number) {
        return String.format("0x%064x", number);
    }

    private static int number(String hash) {
        return hash.equals(ScriptedNode.GENESIS) ? 0 : Integer.parseInt(hash.substring(58), 16);
    }

    private static Object header(int number) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("number", "0x" + Integer.toHexString(number))
                .put("parentHash", hash(Math.max(0, number - 1)));
    }

    private synchronized Object block(int number) {
        return Map.of("block", Map.of("extrinsics", number > 108 ? blocks.get(number - 109) : List.of()));
    }
}
