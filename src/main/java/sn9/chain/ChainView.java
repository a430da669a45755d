package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
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

    /** The time from the block before to this one. */
    Duration blockTime() throws RemoteCallException, InterruptedException {
        long before = chain.at(header.parentHash()).number("Timestamp", "Now");
        return Duration.ofMillis(Math.max(0, number("Timestamp", "Now") - before));
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
            JsonNode answer = chain.rpc().call("state_getStorage", Hex.of(found.key(keys)), hash());
            return found.valueOf(answer.isNull() ? Optional.empty() : Optional.of(Hex.bytes(name, answer)));
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood(name, e);
        }
    }

    /** As {@link #storage}, of an item whose value is a whole number; 0 where there is none. */
    public long number(String pallet, String item, Value... keys) throws RemoteCallException, InterruptedException {
        try {
            var value = storage(pallet, item, keys);
            return value.isEmpty() ? 0 : value.get().natural();
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood(pallet + "." + item, e);
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
        try {
            var found = StorageItem.of(runtime.metadata(), pallet, item);
            var entries = new LinkedHashMap<List<Value>, Value>();
            var keys = keys(name, Hex.of(found.key(leading)));
            for (int from = 0; from < keys.size(); from += BATCH) {
                var batch = keys.subList(from, Math.min(keys.size(), from + BATCH));
                var values = values(batch);
                for (String key : batch) {
                    byte[] value = values.get(key);
                    if (value != null) {
                        var parts = found.keysOf(HexFormat.of().parseHex(key, 2, key.length()));
                        entries.put(parts.subList(leading.length, parts.size()), found.value(value));
                    }
                }
            }
            return entries;
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood(name, e);
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
        try {
            var found = StorageItem.of(runtime.metadata(), pallet, item);
            var texts = new ArrayList<String>();
            for (var key : keys) {
                texts.add(Hex.of(found.key(key.toArray(Value[]::new))));
            }
            var stored = new HashMap<String, byte[]>();
            for (int from = 0; from < texts.size(); from += BATCH) {
                stored.putAll(values(texts.subList(from, Math.min(texts.size(), from + BATCH))));
            }
            var values = new ArrayList<Optional<Value>>();
            for (String text : texts) {
                values.add(found.valueOf(Optional.ofNullable(stored.get(text))));
            }
            return values;
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood(name, e);
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
        var out = new ScaleWriter();
        for (int i = 0; i < arguments.length; i++) {
            types.write(found.inputs().get(i).type(), arguments[i], out);
        }
        try {
            return types.read(found.output(), method, call(method, out.toBytes()));
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood(method, e);
        }
    }

    /** Calls a runtime API with encoded arguments; its answer's bytes. */
    byte[] call(String method, byte[] arguments) throws RemoteCallException, InterruptedException {
        JsonNode answer = chain.rpc().call("state_call", method, Hex.of(arguments), hash());
        try {
            return Hex.bytes(method, answer);
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood(method, e);
        }
    }

    private List<String> keys(String name, String prefix)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var keys = new ArrayList<String>();
        String last = prefix;
        while (true) {
            JsonNode page = chain.rpc().call("state_getKeysPaged", prefix, PAGE, last, hash());
            for (JsonNode key : page) {
                String text = Hex.of(Hex.bytes("key of " + name, key));
                if (text.compareTo(last) <= 0) {
                    throw new MalformedDataException(name, -1, "keys come in no order, or twice");
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

    private Map<String, byte[]> values(List<String> keys)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var values = new HashMap<String, byte[]>();
        if (keys.isEmpty()) {
            return values;
        }
        for (JsonNode set : chain.rpc().call("state_queryStorageAt", keys, hash())) {
            for (JsonNode change : set.path("changes")) {
                if (!change.path(1).isNull()) {
                    values.put(change.path(0).asText(), Hex.bytes("state_queryStorageAt", change.path(1)));
                }
            }
        }
        return values;
    }
}
