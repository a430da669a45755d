package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.Value;

/**
 * The runtime's storage as it is at the end of a block, inside one transaction. Items that follow from the block itself
 * ({@code System.Number}, {@code System.Events} and so on) are made when they are asked for; keys are not listed for them.
 */
public sealed class StateView permits Execution {
    /** Longer keys are not stored. */
    static final int MAX_KEY_BYTES = 256;

    private static final int ITEM_PREFIX_BYTES = 32;

    final Connection connection;
    final Runtime runtime = Runtime.embedded();
    private final ChainState chain;
    private final long block;

    StateView(Connection connection, ChainState chain, long block) {
        this.connection = connection;
        this.chain = chain;
        this.block = block;
    }

    /** The number of the block. */
    public long block() {
        return block;
    }

    /** The subnet that the chain serves. */
    public int netuid() {
        return chain.netuid();
    }

    ChainState chain() {
        return chain;
    }

    /** What is stored under a key. */
    public Optional<byte[]> raw(byte[] key) throws SQLException, IOException {
        if (key.length >= ITEM_PREFIX_BYTES) {
            for (Derived derived : Derived.values()) {
                byte[] prefix = runtime.item(derived.item).prefix();
                if (Arrays.equals(prefix, 0, ITEM_PREFIX_BYTES, key, 0, ITEM_PREFIX_BYTES)) {
                    return derived(derived, runtime.item(derived.item), key);
                }
            }
        }
        return stored(key);
    }

    /**
     * Keys that begin with a prefix, in order.
     *
     * @param after only keys behind this one
     * @param limit at most so many
     */
    public List<byte[]> keys(byte[] prefix, Optional<byte[]> after, int limit) throws SQLException {
        List<byte[]> keys = new ArrayList<>();
        // The row of the greatest block is the one whose value a bare column gives beside max().
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT key, value, max(block) FROM state WHERE key >= ?1 AND key > ?2 AND key < ?3"
                        + " AND block <= ?4 GROUP BY key HAVING value IS NOT NULL ORDER BY key LIMIT ?5")) {
            select.setBytes(1, prefix);
            select.setBytes(2, after.orElse(new byte[0]));
            select.setBytes(3, behind(prefix));
            select.setLong(4, block);
            select.setInt(5, limit);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    keys.add(row.getBytes(1));
                }
            }
        }
        return keys;
    }

    /** The least bytes behind all that begin with a prefix; behind all keys there are for one of no bytes. */
    private static byte[] behind(byte[] prefix) {
        for (int i = prefix.length - 1; i >= 0; i--) {
            if (prefix[i] != -1) {
                byte[] behind = Arrays.copyOf(prefix, i + 1);
                behind[i]++;
                return behind;
            }
        }
        byte[] behind = new byte[MAX_KEY_BYTES + 1];
        Arrays.fill(behind, (byte) -1);
        return behind;
    }

    /** Keys that were written in this very block. */
    public List<byte[]> changedKeys() throws SQLException {
        List<byte[]> keys = new ArrayList<>();
        try (PreparedStatement select =
                connection.prepareStatement("SELECT key FROM state WHERE block = ? ORDER BY key")) {
            select.setLong(1, block);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    keys.add(row.getBytes(1));
                }
            }
        }
        return keys;
    }

    /** The value of an item ({@code Pallet.Item}), by default that of the runtime; empty for an absent optional one. */
    public Optional<Value> find(String item, Value... keys) throws SQLException, IOException {
        StorageItem found = runtime.item(item);
        return found.valueOf(raw(found.key(keys)));
    }

    /** The value of an item that is stored or has a default. */
    public Value get(String item, Value... keys) throws SQLException, IOException {
        return find(item, keys).orElseThrow(() -> new MalformedDataException(item, -1, "expected a value, found none"));
    }

    /** The value of an item that is a whole number below 2^63. */
    public long number(String item, Value... keys) throws SQLException, IOException {
        return get(item, keys).natural();
    }

    /** The values of an item that is a list of whole numbers. */
    public List<BigInteger> numbers(String item, Value... keys) throws SQLException, IOException {
        List<BigInteger> numbers = new ArrayList<>();
        for (Value value : get(item, keys).items()) {
            numbers.add(value.integer());
        }
        return numbers;
    }

    private Optional<byte[]> stored(byte[] key) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT value FROM state WHERE key = ? AND block <= ? ORDER BY block DESC LIMIT 1")) {
            select.setBytes(1, key);
            select.setLong(2, block);
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? Optional.ofNullable(row.getBytes(1)) : Optional.empty();
            }
        }
    }

    /** Items that follow from the block. */
    private enum Derived {
        NUMBER("System.Number"),
        PARENT_HASH("System.ParentHash"),
        BLOCK_HASH("System.BlockHash"),
        EVENTS("System.Events"),
        EVENT_COUNT("System.EventCount"),
        NOW("Timestamp.Now"),
        BLOCKS_SINCE_LAST_STEP("SubtensorModule.BlocksSinceLastStep");

        private final String item;

        Derived(String item) {
            this.item = item;
        }
    }

    private Optional<byte[]> derived(Derived derived, StorageItem item, byte[] key) throws SQLException, IOException {
        List<Value> keys;
        try {
            keys = item.keysOf(key);
        } catch (MalformedDataException e) {
            return Optional.empty(); // a key that nothing can stand under
        }
        var out = new ScaleWriter();
        switch (derived) {
            case NUMBER -> out.u32(block);
            case PARENT_HASH -> {
                return Blocks.find(connection, block - 1).map(Block::hash);
            }
            case BLOCK_HASH -> {
                long number = keys.getFirst().natural();
                return number < block ? Blocks.find(connection, number).map(Block::hash) : Optional.empty();
            }
            case EVENTS -> {
                List<byte[]> events = events();
                out.compact(events.size());
                events.forEach(out::bytes);
            }
            case EVENT_COUNT -> out.u32(events().size());
            case NOW -> out.u64(now().toEpochMilli());
            case BLOCKS_SINCE_LAST_STEP ->
                out.u64(block - number("SubtensorModule.LastMechansimStepBlock", keys.getFirst()));
        }
        return Optional.of(out.toBytes());
    }

    private List<byte[]> events() throws SQLException {
        List<byte[]> events = new ArrayList<>();
        if (block > 0) {
            events.add(runtime.timestampEvent());
        }
        events.addAll(Blocks.events(connection, block));
        return events;
    }

    private Instant now() throws SQLException {
        return Blocks.find(connection, block).map(Block::time).orElseGet(() -> chain.begin(block));
    }
}
