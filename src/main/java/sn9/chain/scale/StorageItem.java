package sn9.chain.scale;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * An item of a runtime's storage: its keys and values (spec/chain.md 4).
 *
 * @param name {@code Pallet.Item}, for errors
 * @param prefix the first 32 bytes of its keys
 * @param entry its layout
 * @param types what the layout's ids mean
 */
public record StorageItem(String name, byte[] prefix, Metadata.StorageEntry entry, TypeRegistry types) {
    /**
     * Finds an item.
     *
     * @throws MalformedDataException when this runtime has none of that name
     */
    public static StorageItem of(Metadata metadata, String pallet, String item) throws MalformedDataException {
        String name = pallet + "." + item;
        var found = metadata.pallet(pallet);
        var entry = found.flatMap(p -> p.entry(item))
                .orElseThrow(() -> new MalformedDataException("runtime metadata", -1, "has no storage item " + name));
        var prefix = new ByteArrayOutputStream();
        prefix.writeBytes(twox128(found.get().storage().orElseThrow().prefix()));
        prefix.writeBytes(twox128(item));
        return new StorageItem(name, prefix.toByteArray(), entry, metadata.types());
    }

    /** The storage prefix of a pallet or an item by its name. */
    private static byte[] twox128(String name) {
        return StorageHasher.TWOX_128.hash(name.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The storage key of a value, or the prefix of all keys that begin with these.
     *
     * @param keys all keys of the map, or the leading ones; none for a plain value
     * @throws IllegalArgumentException when there are more than the map has, or one is of another type
     */
    public byte[] key(Value... keys) {
        var parts = keyTypes();
        if (keys.length > parts.size()) {
            throw new IllegalArgumentException(name + " has " + parts.size() + " keys, given were " + keys.length);
        }
        var key = new ByteArrayOutputStream();
        key.writeBytes(prefix);
        for (int i = 0; i < keys.length; i++) {
            key.writeBytes(entry.hashers().get(i).hash(types.bytes(parts.get(i), keys[i])));
        }
        return key.toByteArray();
    }

    /**
     * The keys of the map that a storage key was made of.
     *
     * @throws MalformedDataException when it is no key of this item, or a hasher keeps no key
     */
    public List<Value> keysOf(byte[] key) throws MalformedDataException {
        String source = "key of " + name;
        if (key.length < prefix.length || !Arrays.equals(prefix, Arrays.copyOf(key, prefix.length))) {
            throw new MalformedDataException(source, 0, "expected the prefix of the item, found another one");
        }
        var in = new ScaleReader(source, Arrays.copyOfRange(key, prefix.length, key.length));
        var keys = new ArrayList<Value>();
        var parts = keyTypes();
        for (int i = 0; i < parts.size(); i++) {
            var hasher = entry.hashers().get(i);
            in.bytes(hasher.digestBytes());
            if (!hasher.keepsKey()) {
                throw in.malformed(hasher + " keeps no key");
            }
            keys.add(types.read(parts.get(i), in));
        }
        in.end();
        return keys;
    }

    /** A stored value. */
    public Value value(byte[] bytes) throws MalformedDataException {
        return types.read(entry.value(), name, bytes);
    }

    /**
     * The value behind an answer of the node: what is stored, or what absence means.
     *
     * @param bytes what is stored, if anything
     * @return empty when nothing is stored and the item is optional
     */
    public Optional<Value> valueOf(Optional<byte[]> bytes) throws MalformedDataException {
        if (bytes.isEmpty() && entry.optional()) {
            return Optional.empty();
        }
        return Optional.of(value(bytes.orElse(entry.fallback())));
    }

    /** One type per hasher: the parts of a tuple, or the key itself. */
    private List<Integer> keyTypes() {
        if (entry.key().isEmpty()) {
            return List.of();
        }
        int key = entry.key().getAsInt();
        return entry.hashers().size() > 1 && types.definition(key) instanceof TypeDefinition.Tuple tuple
                ? tuple.types()
                : List.of(key);
    }
}
