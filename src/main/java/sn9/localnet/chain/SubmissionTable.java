package sn9.localnet.chain;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** All weights that were ever set, beside the runtime's storage, which knows the present ones only. */
final class SubmissionTable {
    private SubmissionTable() {}

    /** Adds weights; zeros are left out. */
    static void insert(Connection connection, WeightSubmission submission) throws SQLException {
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
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO submitted_weights VALUES (?, ?, ?)")) {
            for (Map.Entry<Integer, Integer> weight : submission.weights().entrySet()) {
                if (weight.getValue() > 0) {
                    insert.setLong(1, id);
                    insert.setInt(2, weight.getKey());
                    insert.setInt(3, weight.getValue());
                    insert.executeUpdate();
                }
            }
        }
    }

    /** The latest weights of anybody, newest first. */
    static List<WeightSubmission> latest(Connection connection, int limit) throws SQLException {
        List<WeightSubmission> submissions = new ArrayList<>();
        try (PreparedStatement select =
                connection.prepareStatement("SELECT * FROM submissions ORDER BY id DESC LIMIT ?")) {
            select.setInt(1, limit);
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
