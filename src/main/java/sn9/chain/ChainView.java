package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.TypeDefinition;
import sn9.chain.scale.Value;

/** The chain's state at one block: all answers belong together, whatever happens on the chain meanwhile. */
public final class ChainView {
    /** Keys of one {@code state_getKeysPaged}, its maximum. */
    private static final int PAGE = 1000;

    /** Values of one {@code state_queryStorageAt}. */
    private static final int BATCH = 500;

    /** Entries of one map that are read at most: 4,096 uids and room for what has not been cleaned up. */
    private static final int MAX_ENTRIES = 20_000;

    private final ChainClient chain;
    private final ChainClient.Header header;
    private final ChainRuntime runtime;

    ChainView(ChainClient chain, ChainClient.Header header, ChainRuntime runtime) {
        this.chain = chain;
        this.header = header;
        this.runtime = runtime;
    }

    /** The same block, asked for by another client of the chain. */
    ChainView(ChainClient chain, ChainView view) {
        this(chain, view.header, view.runtime);
    }

    /** The number of the block. */
    public long number() {
        return header.number();
    }

    /** The hash of the block, {@code 0x} and 64 digits. */
    public String hash() {
        return header.hash();
    }

    /** The runtime of the block. */
    public ChainRuntime runtime() {
        return runtime;
    }

    /** When the block was begun, by its author's clock; empty where the runtime keeps no time. */
    Optional<Instant> time() throws RemoteCallException, InterruptedException {
        return has("Timestamp", "Now")
                ? Optional.of(Instant.ofEpochMilli(number("Timestamp", "Now")))
                : Optional.empty();
    }

    /** Whether this runtime has a storage item. */
    public boolean has(String pallet, String item) {
        return runtime.metadata().pallet(pallet).flatMap(p -> p.entry(item)).isPresent();
    }

    /** Whether this runtime has a call. */
    boolean hasCall(String pallet, String call) {
        var types = runtime.metadata().types();
        return runtime.metadata().pallet(pallet).stream()
                .flatMapToInt(p -> p.calls().stream())
                .mapToObj(types::definition)
                .anyMatch(calls -> calls instanceof TypeDefinition.Variants variants
                        && variants.find(call).isPresent());
    }

    /**
     * A stored value, or what its absence means.
     *
     * @return empty when nothing is stored and the item is optional
     * @throws ChainException when the node does not answer, or the runtime has no such item
     */
    public Optional<Value> storage(String pallet, String item, Value... keys)
            throws RemoteCallException, InterruptedException {
        String name = pallet + "." + item;
        try {
            var found = StorageItem.of(runtime.metadata(), pallet, item);
            JsonNode answer = chain.call("state_getStorage", key(found, keys), hash());
            return found.valueOf(answer.isNull() ? Optional.empty() : Optional.of(Hex.bytes(name, answer)));
        } catch (MalformedDataException e) {
            throw chain.misunderstood(name, e);
        }
    }

    /** As {@link #storage}, of an item whose value is a whole number; 0 where there is none. */
    public long number(String pallet, String item, Value... keys) throws RemoteCallException, InterruptedException {
        try {
            var value = storage(pallet, item, keys);
            return value.isEmpty() ? 0 : value.get().natural();
        } catch (MalformedDataException e) {
            throw chain.misunderstood(pallet + "." + item, e);
        }
    }

    /**
     * All entries of a map, or those whose first keys are given, in a few requests.
     *
     * @return values by the remaining keys, in the order of the storage keys
     */
    public Map<List<Value>, Value> entries(String pallet, String item, Value... leading)
            throws RemoteCallException, InterruptedException {
        String name = pallet + "." + item;
        var within = new ChainView(chain.patient(), this);
        try {
            var found = StorageItem.of(runtime.metadata(), pallet, item);
            var entries = new LinkedHashMap<List<Value>, Value>();
            var keys = within.keys(name, key(found, leading));
            for (int from = 0; from < keys.size(); from += BATCH) {
                var batch = keys.subList(from, Math.min(keys.size(), from + BATCH));
                var values = within.values(name, batch);
                for (String key : batch) {
                    byte[] value = values.get(key)
                            .orElseThrow(() -> new MalformedDataException(
                                    name, -1, "key " + key + " is listed, and nothing is stored under it"));
                    var parts = found.keysOf(HexFormat.of().parseHex(key, 2, key.length()));
                    entries.put(parts.subList(leading.length, parts.size()), found.value(value));
                }
            }
            return entries;
        } catch (MalformedDataException e) {
            throw chain.misunderstood(name, e);
        }
    }

    /**
     * The values of several keys of one map, in one request.
     *
     * @param keys complete keys, one list each
     * @return in order; empty where nothing is stored and the item is optional
     */
    public List<Optional<Value>> storageOf(String pallet, String item, List<List<Value>> keys)
            throws RemoteCallException, InterruptedException {
        String name = pallet + "." + item;
        var within = new ChainView(chain.patient(), this);
        try {
            var found = StorageItem.of(runtime.metadata(), pallet, item);
            var texts = new ArrayList<String>();
            for (var key : keys) {
                texts.add(key(found, key.toArray(Value[]::new)));
            }
            var stored = new HashMap<String, Optional<byte[]>>();
            for (int from = 0; from < texts.size(); from += BATCH) {
                stored.putAll(within.values(name, texts.subList(from, Math.min(texts.size(), from + BATCH))));
            }
            var values = new ArrayList<Optional<Value>>();
            for (String text : texts) {
                values.add(found.valueOf(stored.get(text)));
            }
            return values;
        } catch (MalformedDataException e) {
            throw chain.misunderstood(name, e);
        }
    }

    /** Whether the metadata lists a method of a runtime API, so that {@link #api} can read its answer. */
    public boolean hasApi(String method) {
        return runtime.metadata().method(method).isPresent();
    }

    /**
     * Calls a runtime API by the types of the metadata (from version 15 on).
     *
     * @param method {@code Api_method}
     */
    public Value api(String method, Value... arguments) throws RemoteCallException, InterruptedException {
        var types = runtime.metadata().types();
        var found = runtime.metadata()
                .method(method)
                .orElseThrow(() -> new ChainException("this runtime lists no runtime API " + method, false));
        if (found.inputs().size() != arguments.length) {
            throw new ChainException(
                    method + " takes " + found.inputs().size() + " arguments, given were " + arguments.length, false);
        }
        try {
            var out = new ScaleWriter();
            for (int i = 0; i < arguments.length; i++) {
                types.write(found.inputs().get(i).type(), arguments[i], out);
            }
            return types.read(found.output(), method, call(method, out.toBytes()));
        } catch (IllegalArgumentException e) {
            throw chain.misunderstood(method, otherLayout(method, e));
        } catch (MalformedDataException e) {
            throw chain.misunderstood(method, e);
        }
    }

    /** Calls a runtime API with encoded arguments; its answer's bytes. */
    byte[] call(String method, byte[] arguments) throws RemoteCallException, InterruptedException {
        JsonNode answer = chain.call("state_call", method, Hex.of(arguments), hash());
        try {
            return Hex.bytes(method, answer);
        } catch (MalformedDataException e) {
            throw chain.misunderstood(method, e);
        }
    }

    /** An answer at this block that cannot be understood; see {@link ChainClient#misunderstood}. */
    ChainException misunderstood(String what, MalformedDataException cause) {
        return chain.misunderstood(what, cause);
    }

    /** The storage key of a value; a runtime whose keys are of other types than ours has another layout. */
    private static String key(StorageItem item, Value... keys) throws MalformedDataException {
        try {
            return Hex.of(item.key(keys));
        } catch (IllegalArgumentException e) {
            throw otherLayout(item.name(), e);
        }
    }

    private static MalformedDataException otherLayout(String name, IllegalArgumentException e) {
        return new MalformedDataException("runtime metadata", -1, name + ": " + e.getMessage(), e);
    }

    private List<String> keys(String name, String prefix)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var keys = new ArrayList<String>();
        String last = prefix;
        while (true) {
            JsonNode page = Hex.list(name, chain.call("state_getKeysPaged", prefix, PAGE, last, hash()));
            for (JsonNode key : page) {
                String text = Hex.of(Hex.bytes("key of " + name, key));
                if (text.compareTo(last) <= 0 || !text.startsWith(prefix)) {
                    throw new MalformedDataException(
                            name, -1, "keys come in no order, twice, or with another prefix than " + prefix);
                }
                keys.add(text);
                last = text;
            }
            if (page.size() < PAGE) {
                return keys;
            }
            if (keys.size() > MAX_ENTRIES) {
                throw new MalformedDataException(name, -1, "more than " + MAX_ENTRIES + " entries");
            }
        }
    }

    /** What is stored under each of these keys. */
    private Map<String, Optional<byte[]>> values(String name, List<String> keys)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var values = new HashMap<String, Optional<byte[]>>();
        if (keys.isEmpty()) {
            return values;
        }
        for (JsonNode set : Hex.list(name, chain.call("state_queryStorageAt", keys, hash()))) {
            for (JsonNode change : Hex.list(name, set.path("changes"))) {
                JsonNode value = change.path(1);
                values.put(
                        change.path(0).asText(),
                        value.isNull() ? Optional.empty() : Optional.of(Hex.bytes(name, value)));
            }
        }
        for (String key : keys) {
            if (!values.containsKey(key)) {
                throw new MalformedDataException(name, -1, "the answer says nothing of key " + key);
            }
        }
        return values;
    }
}
