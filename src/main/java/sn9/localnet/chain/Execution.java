package sn9.localnet.chain;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.function.UnaryOperator;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.Value;

/** The block that is being made, to be written: storage and events. Inside one writing transaction. */
final class Execution extends StateView {
    /** Of the extrinsic under way, as its events name it; -1 for what the block does by itself. */
    private int place = -1;

    Execution(Connection connection, ChainState chain, long block) {
        super(connection, chain, block);
    }

    /** Statements that take effect together or not at all. */
    @FunctionalInterface
    interface Step {
        void run() throws SQLException, IOException, DispatchException;
    }

    /** Runs a step; when it fails, all that it has written is undone. */
    void atomically(Step step) throws SQLException, IOException, DispatchException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SAVEPOINT step");
            boolean done = false;
            try {
                step.run();
                done = true;
            } finally {
                if (!done) {
                    statement.execute("ROLLBACK TO step");
                }
                statement.execute("RELEASE step");
            }
        }
    }

    /** From here on events are those of the extrinsic at this place. */
    void place(int extrinsic) {
        place = extrinsic;
    }

    /** Stores a value under an item's keys. */
    void put(String item, Value value, Value... keys) throws SQLException {
        StorageItem found = runtime.item(item);
        write(
                found.key(keys),
                Optional.of(runtime.metadata().types().bytes(found.entry().value(), value)));
    }

    /** Stores what becomes of the present value. */
    void update(String item, UnaryOperator<Value> change, Value... keys) throws SQLException, IOException {
        put(item, change.apply(get(item, keys)), keys);
    }

    /** Stores a sum; {@code delta} may be negative, the result may not. */
    void add(String item, long delta, Value... keys) throws SQLException, IOException {
        put(item, Value.of(Math.addExact(number(item, keys), delta)), keys);
    }

    /** Removes a value. */
    void remove(String item, Value... keys) throws SQLException {
        write(runtime.item(item).key(keys), Optional.empty());
    }

    /** Stores bytes under a key, or removes what is there. */
    void write(byte[] key, Optional<byte[]> value) throws SQLException {
        if (key.length > MAX_KEY_BYTES) {
            throw new IllegalArgumentException(
                    "key has " + key.length + " bytes, at most " + MAX_KEY_BYTES + " are kept");
        }
        try (PreparedStatement replace = connection.prepareStatement("REPLACE INTO state VALUES (?, ?, ?)")) {
            replace.setBytes(1, key);
            replace.setLong(2, block());
            replace.setBytes(3, value.orElse(null));
            replace.executeUpdate();
        }
    }

    /** Adds an event. */
    void emit(String pallet, String event, Value... fields) throws SQLException {
        Blocks.addEvent(connection, block(), runtime.eventRecord(place, pallet, event, fields));
    }
}
