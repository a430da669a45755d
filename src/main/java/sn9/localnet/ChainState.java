package sn9.localnet;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;

/**
 * The one row about the chain as a whole.
 *
 * @param parameters as of its creation
 * @param genesis the moment block 1 began
 * @param offset blocks that were added by hand
 * @param lastBlock the latest block that anything was written in; numbers never fall below it
 * @param settledBlock block of the latest epoch that has been run, 0 for none
 */
record ChainState(LocalChainParameters parameters, Instant genesis, long offset, long lastBlock, long settledBlock) {
    static void insert(Connection connection, LocalChainParameters parameters, Instant genesis) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO chain VALUES (1, ?, ?, ?, ?, ?, ?, ?, 0, 1, 0)")) {
            insert.setInt(1, parameters.netuid());
            insert.setLong(2, genesis.toEpochMilli());
            insert.setLong(3, parameters.blockTime().toMillis());
            insert.setLong(4, parameters.tempo());
            insert.setLong(5, parameters.commitInterval());
            insert.setLong(6, parameters.weightsInterval());
            insert.setInt(7, parameters.maxUids());
            insert.executeUpdate();
        }
    }

    static ChainState read(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT * FROM chain");
                ResultSet row = select.executeQuery()) {
            if (!row.next()) {
                throw new SQLException("the table chain is empty");
            }
            LocalChainParameters parameters = new LocalChainParameters(
                    row.getInt("netuid"),
                    Duration.ofMillis(row.getLong("block_millis")),
                    row.getLong("tempo"),
                    row.getLong("commit_interval"),
                    row.getLong("weights_interval"),
                    row.getInt("max_uids"));
            return new ChainState(
                    parameters,
                    Instant.ofEpochMilli(row.getLong("genesis_millis")),
                    row.getLong("block_offset"),
                    row.getLong("last_block"),
                    row.getLong("settled_block"));
        } catch (IllegalArgumentException e) {
            throw new SQLException("the table chain is malformed: " + e.getMessage(), e);
        }
    }

    /** The block of a moment: 1 at genesis, one more each block time; a clock set back does not lower it. */
    long block(Instant now) {
        long elapsed = Duration.between(genesis, now).toMillis();
        long byClock = Math.floorDiv(elapsed, parameters.blockTime().toMillis()) + 1 + offset;
        return Math.max(byClock, lastBlock);
    }

    /** Records a block as written in, together with blocks added by hand. */
    static void save(Connection connection, long lastBlock, long offset) throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE chain SET last_block = ?, block_offset = ?")) {
            update.setLong(1, lastBlock);
            update.setLong(2, offset);
            update.executeUpdate();
        }
    }
}
