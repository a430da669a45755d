package sn9.dashboard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.sqlite.SQLiteConfig;
import sn9.MalformedDataException;

/**
 * What a validator's database says after its latest step.
 *
 * @param step number of that step, -1 before the first
 * @param block the chain's block at its start
 * @param batches batches that every model was evaluated on
 * @param rows models that were evaluated, best first
 * @param refused models that failed or break a rule, and why
 */
public record Leaderboard(long step, long block, int batches, List<Row> rows, List<Refused> refused) {
    /** Marks the file as a validator's in SQLite's header: "sn9v". */
    private static final int APPLICATION_ID = 0x736e3976;

    /** The tables' version that the statements below read. */
    private static final int SCHEMA_VERSION = 1;

    private static final int BUSY_MILLIS = 10_000;

    /**
     * A model in the latest step.
     *
     * @param uid its slot then
     * @param hotkey who committed it
     * @param commitment the string on chain
     * @param block block of the commitment, which decides seniority
     * @param loss mean nats per token over the step's batches
     * @param wins won comparisons
     * @param winRate share of the comparisons won, 0 to 1
     * @param weight moving average after the step
     */
    public record Row(
            int uid,
            String hotkey,
            String commitment,
            long block,
            double loss,
            int wins,
            double winRate,
            double weight) {}

    /**
     * A model without a score.
     *
     * @param hotkey who committed it
     * @param commitment the string on chain
     * @param reason what is wrong with it
     */
    public record Refused(String hotkey, String commitment, String reason) {}

    /**
     * Reads the database, which may be in use; it is not changed.
     *
     * @throws NoSuchFileException when there is none
     * @throws MalformedDataException when it is damaged, another program's or of another version
     */
    public static Leaderboard read(Path database) throws IOException {
        if (!Files.isRegularFile(database)) {
            throw new NoSuchFileException(database.toString());
        }
        var config = new SQLiteConfig();
        config.setReadOnly(true);
        config.setBusyTimeout(BUSY_MILLIS);
        try (Connection connection = config.createConnection("jdbc:sqlite:" + database.toAbsolutePath())) {
            require(database, "application id", APPLICATION_ID, number(connection, "PRAGMA application_id"));
            require(database, "schema version", SCHEMA_VERSION, number(connection, "PRAGMA user_version"));
            connection.setAutoCommit(false); // one snapshot for all that follows
            return read(connection);
        } catch (SQLException e) {
            throw new MalformedDataException(
                    database.toString(), -1, "cannot be read as a validator's database: " + e.getMessage(), e);
        }
    }

    /** {@code namespace/name} of a committed string; all of it when it has another form. */
    public static String repository(String commitment) {
        String[] fields = commitment.split(":", -1);
        return fields.length >= 4 ? fields[0] + "/" + fields[1] : commitment;
    }

    private static Leaderboard read(Connection connection) throws SQLException {
        long step = -1;
        long block = 0;
        int batches = 0;
        try (var statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery("SELECT step, block, batches FROM steps ORDER BY step DESC LIMIT 1")) {
            if (row.next()) {
                step = row.getLong(1);
                block = row.getLong(2);
                batches = row.getInt(3);
            }
        }
        return new Leaderboard(step, block, batches, rows(connection, step), refused(connection, step));
    }

    private static List<Row> rows(Connection connection, long step) throws SQLException {
        var rows = new ArrayList<Row>();
        try (var select = connection.prepareStatement("""
                SELECT uid, hotkey, commitment, block, average_loss, wins, win_rate, weight FROM evaluations
                WHERE step = ? AND failure IS NULL ORDER BY weight DESC, average_loss, block""")) {
            select.setLong(1, step);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    rows.add(new Row(
                            row.getInt(1),
                            row.getString(2),
                            row.getString(3),
                            row.getLong(4),
                            row.getDouble(5),
                            row.getInt(6),
                            row.getDouble(7),
                            row.getDouble(8)));
                }
            }
        }
        return rows;
    }

    /** Those whom the tracker keeps out, and those that failed in the step itself. */
    private static List<Refused> refused(Connection connection, long step) throws SQLException {
        var refused = new ArrayList<Refused>();
        try (var select = connection.prepareStatement("""
                SELECT hotkey, commitment, reason FROM tracker WHERE standing <> 'ACCEPTED'
                UNION ALL
                SELECT e.hotkey, e.commitment, e.failure FROM evaluations e JOIN tracker t ON t.hotkey = e.hotkey
                WHERE e.step = ? AND e.failure IS NOT NULL AND t.standing = 'ACCEPTED'
                ORDER BY 1""")) {
            select.setLong(1, step);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    refused.add(new Refused(row.getString(1), row.getString(2), row.getString(3)));
                }
            }
        }
        return refused;
    }

    private static int number(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getInt(1) : 0;
        }
    }

    private static void require(Path database, String what, int expected, int found) throws MalformedDataException {
        if (found != expected) {
            throw new MalformedDataException(
                    database.toString(),
                    -1,
                    "expected a validator's database (" + what + " " + expected + "), found " + found
                            + "; give the --model_dir of a validator of this release");
        }
    }
}
