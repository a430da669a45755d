package sn9.localnet;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import sn9.RemoteCallException;

/** Weights in the chain's database. Every submission is kept; the latest of a validator's present registration counts. */
final class SubmissionTable {
    private SubmissionTable() {}

    /**
     * Adds weights.
     *
     * @param submission who, when and what; zeros among the weights are left out
     * @param hotkeys holder of each slot, by uid
     * @throws RemoteCallException when a weighted slot is not taken
     */
    static void insert(Connection connection, WeightSubmission submission, Map<Integer, String> hotkeys)
            throws SQLException, RemoteCallException {
        long id;
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO submissions (uid, hotkey, block, version_key) VALUES (?, ?, ?, ?) RETURNING id")) {
            insert.setInt(1, submission.uid());
            insert.setString(2, submission.hotkey());
            insert.setLong(3, submission.block());
            insert.setLong(4, submission.versionKey());
            try (ResultSet row = insert.executeQuery()) {
                row.next();
                id = row.getLong(1);
            }
        }
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO submitted_weights VALUES (?, ?, ?, ?)")) {
            for (Map.Entry<Integer, Integer> weight : submission.weights().entrySet()) {
                if (!hotkeys.containsKey(weight.getKey())) {
                    throw new RemoteCallException(
                            "local chain: uid " + weight.getKey() + " is given a weight but is not registered", false);
                }
                if (weight.getValue() > 0) {
                    insert.setLong(1, id);
                    insert.setInt(2, weight.getKey());
                    insert.setString(3, hotkeys.get(weight.getKey()));
                    insert.setInt(4, weight.getValue());
                    insert.executeUpdate();
                }
            }
        }
    }

    /** The latest weights of a slot's present holder. */
    static Optional<WeightSubmission> current(Connection connection, int validatorUid) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("""
                SELECT s.* FROM submissions s JOIN neurons n ON n.hotkey = s.hotkey AND s.id > n.submissions_before
                WHERE n.uid = ? ORDER BY s.id DESC LIMIT 1""")) {
            select.setInt(1, validatorUid);
            return list(connection, select).stream().findFirst();
        }
    }

    /** The latest weights of anybody, newest first. */
    static List<WeightSubmission> latest(Connection connection, int limit) throws SQLException {
        try (PreparedStatement select =
                connection.prepareStatement("SELECT * FROM submissions ORDER BY id DESC LIMIT ?")) {
            select.setInt(1, limit);
            return list(connection, select);
        }
    }

    private static List<WeightSubmission> list(Connection connection, PreparedStatement select) throws SQLException {
        List<WeightSubmission> submissions = new ArrayList<>();
        try (ResultSet row = select.executeQuery()) {
            while (row.next()) {
                submissions.add(new WeightSubmission(
                        row.getInt("uid"),
                        row.getString("hotkey"),
                        row.getLong("block"),
                        row.getLong("version_key"),
                        weights(connection, row.getLong("id"))));
            }
        }
        return submissions;
    }

    private static SortedMap<Integer, Integer> weights(Connection connection, long submission) throws SQLException {
        SortedMap<Integer, Integer> weights = new TreeMap<>();
        try (PreparedStatement select =
                connection.prepareStatement("SELECT uid, value FROM submitted_weights WHERE submission = ?")) {
            select.setLong(1, submission);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    weights.put(row.getInt(1), row.getInt(2));
                }
            }
        }
        return weights;
    }
}
