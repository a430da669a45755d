package sn9.localnet.chain;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;

/** Blocks, their extrinsics and their events in the chain's database. */
final class Blocks {
    /** Bare extrinsic of version 4. */
    private static final int BARE = 4;

    private Blocks() {}

    /** The latest block that is made. */
    static Block last(Connection c) throws SQLException {
        try (PreparedStatement select = c.prepareStatement("SELECT * FROM blocks ORDER BY number DESC LIMIT 1")) {
            return one(select).orElseThrow(() -> new SQLException("the table blocks is empty"));
        }
    }

    /** The block of a number, unless it is not made yet or forgotten. */
    static Optional<Block> find(Connection c, long number) throws SQLException {
        try (PreparedStatement select = c.prepareStatement("SELECT * FROM blocks WHERE number = ?")) {
            select.setLong(1, number);
            return one(select);
        }
    }

    /** The block of a hash, unless it is unknown or forgotten. */
    static Optional<Block> find(Connection c, byte[] hash) throws SQLException {
        try (PreparedStatement select = c.prepareStatement("SELECT * FROM blocks WHERE hash = ?")) {
            select.setBytes(1, hash);
            return one(select);
        }
    }

    /** Makes a block of what has been written under its number, and keeps it. */
    static Block seal(Connection c, long number, Block before, Instant time) throws SQLException {
        // What lies between the latest block and this one was passed over (EmbeddedChain); nobody can ask for it.
        byte[] parent = before.number() == number - 1
                ? before.hash()
                : StorageHasher.blake2b(
                        new ScaleWriter().bytes(before.hash()).u64(number).toBytes(), 32);
        var changes = new ScaleWriter().bytes(before.stateRoot());
        try (PreparedStatement select =
                c.prepareStatement("SELECT key, value FROM state WHERE block = ? ORDER BY key")) {
            select.setLong(1, number);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    byte[] value = row.getBytes(2);
                    changes.byteList(row.getBytes(1)).byteList(value == null ? new byte[0] : value);
                }
            }
        }
        byte[] stateRoot = StorageHasher.blake2b(changes.toBytes(), 32);
        var body = new ScaleWriter().bytes(timestamp(time));
        extrinsics(c, number).forEach(body::bytes);
        Block block = Block.of(number, parent, stateRoot, StorageHasher.blake2b(body.toBytes(), 32), time);
        insert(c, block);
        return block;
    }

    static void insert(Connection c, Block block) throws SQLException {
        try (PreparedStatement insert = c.prepareStatement("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)")) {
            insert.setLong(1, block.number());
            insert.setBytes(2, block.hash());
            insert.setBytes(3, block.parent());
            insert.setBytes(4, block.stateRoot());
            insert.setBytes(5, block.extrinsicsRoot());
            insert.setLong(6, block.time().toEpochMilli());
            insert.executeUpdate();
        }
    }

    /** The first extrinsic of every block but the genesis: the bare call {@code Timestamp.set}. */
    static byte[] timestamp(Instant time) {
        Value call = Value.choice("Timestamp", Value.choice("set", Value.of(time.toEpochMilli())));
        byte[] body = new ScaleWriter()
                .u8(BARE)
                .bytes(Runtime.embedded().callBytes(call))
                .toBytes();
        return new ScaleWriter().byteList(body).toBytes();
    }

    /** The signed extrinsics of a block, from place 1 on. */
    static List<byte[]> extrinsics(Connection c, long number) throws SQLException {
        return column(c, "SELECT bytes FROM extrinsics WHERE block = ? ORDER BY place", number);
    }

    /** Whether an extrinsic is in a block. */
    static boolean holds(Connection c, long number, byte[] hash) throws SQLException {
        try (PreparedStatement select = c.prepareStatement("SELECT 1 FROM extrinsics WHERE hash = ? AND block = ?")) {
            select.setBytes(1, hash);
            select.setLong(2, number);
            try (ResultSet row = select.executeQuery()) {
                return row.next();
            }
        }
    }

    /** Adds an extrinsic to the block that is being made. */
    static void add(Connection c, long number, int place, byte[] hash, byte[] bytes) throws SQLException {
        try (PreparedStatement insert = c.prepareStatement("INSERT INTO extrinsics VALUES (?, ?, ?, ?)")) {
            insert.setLong(1, number);
            insert.setInt(2, place);
            insert.setBytes(3, hash);
            insert.setBytes(4, bytes);
            insert.executeUpdate();
        }
    }

    /** How many signed extrinsics a block has so far. */
    static int extrinsicCount(Connection c, long number) throws SQLException {
        return count(c, "SELECT count(*) FROM extrinsics WHERE block = ?", number);
    }

    /** The events of a block so far, encoded records. */
    static List<byte[]> events(Connection c, long number) throws SQLException {
        return column(c, "SELECT record FROM events WHERE block = ? ORDER BY place", number);
    }

    /** Adds an event to the block that is being made. */
    static void addEvent(Connection c, long number, byte[] record) throws SQLException {
        try (PreparedStatement insert = c.prepareStatement(
                "INSERT INTO events VALUES (?1, (SELECT coalesce(max(place), -1) + 1 FROM events WHERE block = ?1), ?2)")) {
            insert.setLong(1, number);
            insert.setBytes(2, record);
            insert.executeUpdate();
        }
    }

    /** Forgets blocks below a number, except the genesis, and what was overwritten before it. */
    static void forget(Connection c, long below) throws SQLException {
        for (String sql : List.of(
                "DELETE FROM blocks WHERE number > 0 AND number < ?",
                "DELETE FROM extrinsics WHERE block < ?",
                "DELETE FROM events WHERE block < ?",
                "DELETE FROM state WHERE block < ?1 AND EXISTS (SELECT 1 FROM state later"
                        + " WHERE later.key = state.key AND later.block > state.block AND later.block <= ?1)",
                "DELETE FROM state WHERE block < ? AND value IS NULL")) {
            try (PreparedStatement delete = c.prepareStatement(sql)) {
                delete.setLong(1, below);
                delete.executeUpdate();
            }
        }
    }

    private static int count(Connection c, String sql, long number) throws SQLException {
        try (PreparedStatement select = c.prepareStatement(sql)) {
            select.setLong(1, number);
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? row.getInt(1) : 0;
            }
        }
    }

    private static List<byte[]> column(Connection c, String sql, long number) throws SQLException {
        List<byte[]> values = new ArrayList<>();
        try (PreparedStatement select = c.prepareStatement(sql)) {
            select.setLong(1, number);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    values.add(row.getBytes(1));
                }
            }
        }
        return values;
    }

    private static Optional<Block> one(PreparedStatement select) throws SQLException {
        try (ResultSet row = select.executeQuery()) {
            return row.next()
                    ? Optional.of(new Block(
                            row.getLong("number"),
                            row.getBytes("hash"),
                            row.getBytes("parent"),
                            row.getBytes("state_root"),
                            row.getBytes("extrinsics_root"),
                            Instant.ofEpochMilli(row.getLong("millis"))))
                    : Optional.empty();
        }
    }
}
