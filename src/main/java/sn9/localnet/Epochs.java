package sn9.localnet;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The chain's epochs: at every block that the tempo divides, before anything else of that block, weights become
 * incentive. They are run when somebody next looks or writes; since every write runs the pending ones first, the result
 * depends on blocks alone, not on when somebody looked.
 *
 * <p>The rule is simple on purpose: the mean of the validators' normalised weights, weighted by stake. The genuine chain
 * (Yuma consensus) also clips outliers and bonds validators to miners.
 */
final class Epochs {
    /**
     * The weights of one validator.
     *
     * @param stake what its word counts, more than 0
     * @param weights by uid, more than 0 each
     */
    record Vote(double stake, SortedMap<Integer, Integer> weights) {}

    /** The latest weights of each validator, for slots that still belong to whom they were meant for. */
    private static final String VOTES = """
            SELECT v.uid AS validator, v.stake AS stake, w.uid AS uid, w.value AS value
            FROM neurons v
            JOIN submitted_weights w ON w.submission =
              (SELECT max(s.id) FROM submissions s WHERE s.hotkey = v.hotkey AND s.id > v.submissions_before)
            JOIN neurons n ON n.uid = w.uid AND n.hotkey = w.hotkey
            WHERE v.stake > 0
            ORDER BY v.uid, w.uid""";

    private Epochs() {}

    /** Whether an epoch has come that has not been run. */
    static boolean pending(ChainState state, long block) {
        return state.settledBlock() + state.parameters().tempo() <= block;
    }

    /** Runs every pending epoch up to a block. Inside a writing transaction. */
    static void settle(Connection connection, ChainState state, long block) throws SQLException {
        if (!pending(state, block)) {
            return;
        }
        long tempo = state.parameters().tempo();
        long last = block - block % tempo;
        long epoch;
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO epochs (first_block, last_block) VALUES (?, ?) RETURNING id")) {
            insert.setLong(1, state.settledBlock() + tempo);
            insert.setLong(2, last);
            try (ResultSet row = insert.executeQuery()) {
                row.next();
                epoch = row.getLong(1);
            }
        }
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO incentives SELECT ?, uid, hotkey, ? FROM neurons WHERE uid = ?")) {
            for (Map.Entry<Integer, Double> entry :
                    incentives(votes(connection)).entrySet()) {
                insert.setLong(1, epoch);
                insert.setDouble(2, entry.getValue());
                insert.setInt(3, entry.getKey());
                insert.executeUpdate();
            }
        }
        try (PreparedStatement update = connection.prepareStatement("UPDATE chain SET settled_block = ?")) {
            update.setLong(1, last);
            update.executeUpdate();
        }
    }

    /** The latest results, newest first. */
    static List<EpochResult> latest(Connection connection, int limit) throws SQLException {
        List<EpochResult> results = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT id, first_block, last_block FROM epochs ORDER BY id DESC LIMIT ?")) {
            select.setInt(1, limit);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    results.add(
                            new EpochResult(row.getLong(2), row.getLong(3), incentives(connection, row.getLong(1))));
                }
            }
        }
        return results;
    }

    /** Stake-weighted mean of the normalised weights, by uid, of sum 1; empty without votes. */
    static SortedMap<Integer, Double> incentives(Collection<Vote> votes) {
        SortedMap<Integer, Double> incentives = new TreeMap<>();
        double stakes = votes.stream().mapToDouble(Vote::stake).sum();
        for (Vote vote : votes) {
            double total = vote.weights.values().stream().mapToDouble(v -> v).sum();
            vote.weights.forEach(
                    (uid, value) -> incentives.merge(uid, vote.stake / stakes * (value / total), Double::sum));
        }
        return incentives;
    }

    private static Collection<Vote> votes(Connection connection) throws SQLException {
        Map<Integer, Vote> votes = new LinkedHashMap<>();
        try (PreparedStatement select = connection.prepareStatement(VOTES);
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                double stake = row.getDouble("stake");
                votes.computeIfAbsent(row.getInt("validator"), v -> new Vote(stake, new TreeMap<>()))
                        .weights()
                        .put(row.getInt("uid"), row.getInt("value"));
            }
        }
        return votes.values();
    }

    private static SortedMap<Integer, Double> incentives(Connection connection, long epoch) throws SQLException {
        SortedMap<Integer, Double> incentives = new TreeMap<>();
        try (PreparedStatement select =
                connection.prepareStatement("SELECT uid, incentive FROM incentives WHERE epoch = ?")) {
            select.setLong(1, epoch);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    incentives.put(row.getInt(1), row.getDouble(2));
                }
            }
        }
        return incentives;
    }
}
