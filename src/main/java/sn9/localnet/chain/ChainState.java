package sn9.localnet.chain;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;

/**
 * The one row about the chain as a whole.
 *
 * @param netuid the subnet it serves
 * @param genesis the moment block 1 began
 * @param blockTime time from block to block
 * @param offset blocks that were added by hand
 * @param lastBlock the block that was being made when last anything was written; numbers never fall below it
 */
record ChainState(int netuid, Instant genesis, Duration blockTime, long offset, long lastBlock) {
    static void insert(Connection connection, LocalChainParameters parameters, Instant genesis) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO chain VALUES (1, ?, ?, ?, 0, 1)")) {
            insert.setInt(1, parameters.netuid());
            insert.setLong(2, genesis.toEpochMilli());
            insert.setLong(3, parameters.blockTime().toMillis());
            insert.executeUpdate();
        }
    }

    static ChainState read(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT * FROM chain");
                ResultSet row = select.executeQuery()) {
            if (!row.next()) {
                throw new SQLException("the table chain is empty");
            }
            return new ChainState(
                    row.getInt("netuid"),
                    Instant.ofEpochMilli(row.getLong("genesis_millis")),
                    Duration.ofMillis(row.getLong("block_millis")),
                    row.getLong("block_offset"),
                    row.getLong("last_block"));
        }
    }

    /** The block that is being made at a moment: 1 at genesis, one more each block time; a clock set back does not lower it. */
    long block(Instant now) {
        long elapsed = Duration.between(genesis, now).toMillis();
        long byClock = Math.floorDiv(elapsed, blockTime.toMillis()) + 1 + offset;
        return Math.max(byClock, lastBlock);
    }

    /** The moment at which a block begins by the clock. */
    Instant begin(long block) {
        return genesis.plusMillis((block - 1 - offset) * blockTime.toMillis());
    }

    /** Records the block that is being made, together with blocks added by hand. */
    static void save(Connection connection, long lastBlock, long offset) throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE chain SET last_block = ?, block_offset = ?")) {
            update.setLong(1, lastBlock);
            update.setLong(2, offset);
            update.executeUpdate();
        }
    }
}
