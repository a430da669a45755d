package sn9.validator;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import sn9.MalformedDataException;

/**
 * The SQLite file under {@link ValidatorState}: its tables, its opening, and transactions on it. Safe to call from any
 * thread; one call runs at a time.
 */
final class StateDatabase implements AutoCloseable {
    /** Marks the file as ours in SQLite's header: "sn9v". */
    static final int APPLICATION_ID = 0x736e3976;

    /** The version of {@link #SCHEMA}. */
    static final int SCHEMA_VERSION = 1;

    /** Extended result codes carry their primary code in the lowest byte. */
    private static final int PRIMARY_CODE = 0xff;

    private static final String ADVICE =
            "move this file away to start anew (averages then start from zero) or point --model_dir elsewhere";

    private static final byte[] SQLITE_MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);

    private static final List<String> SCHEMA = List.of(
            "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            """
            CREATE TABLE tracker (hotkey TEXT PRIMARY KEY, commitment TEXT NOT NULL, block INTEGER NOT NULL,
              standing TEXT NOT NULL, reason TEXT NOT NULL, pending INTEGER NOT NULL) WITHOUT ROWID""",
            """
            CREATE TABLE rejections (repo TEXT NOT NULL, commit_id TEXT NOT NULL, hash TEXT NOT NULL, limits TEXT NOT NULL,
              standing TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (repo, commit_id, hash, limits)) WITHOUT ROWID""",
            "CREATE TABLE averages (hotkey TEXT PRIMARY KEY, weight REAL NOT NULL) WITHOUT ROWID",
            "CREATE TABLE carried (place INTEGER PRIMARY KEY, hotkey TEXT NOT NULL UNIQUE)",
            """
            CREATE TABLE steps (step INTEGER PRIMARY KEY, block INTEGER NOT NULL, started_ms INTEGER NOT NULL,
              batches INTEGER NOT NULL)""",
            """
            CREATE TABLE step_pages (step INTEGER NOT NULL REFERENCES steps, place INTEGER NOT NULL, page INTEGER NOT NULL,
              PRIMARY KEY (step, place)) WITHOUT ROWID""",
            """
            CREATE TABLE step_seconds (step INTEGER NOT NULL REFERENCES steps, phase TEXT NOT NULL, seconds REAL NOT NULL,
              PRIMARY KEY (step, phase)) WITHOUT ROWID""",
            """
            CREATE TABLE step_failures (step INTEGER NOT NULL REFERENCES steps, uid INTEGER NOT NULL, reason TEXT NOT NULL,
              PRIMARY KEY (step, uid)) WITHOUT ROWID""",
            """
            CREATE TABLE evaluations (id INTEGER PRIMARY KEY, step INTEGER NOT NULL REFERENCES steps, uid INTEGER NOT NULL,
              hotkey TEXT NOT NULL, commitment TEXT NOT NULL, block INTEGER NOT NULL, average_loss REAL, failure TEXT,
              wins INTEGER NOT NULL, win_rate REAL NOT NULL, step_weight REAL NOT NULL, weight REAL NOT NULL,
              UNIQUE (step, hotkey))""",
            """
            CREATE TABLE losses (evaluation INTEGER NOT NULL REFERENCES evaluations, batch INTEGER NOT NULL, loss REAL,
              PRIMARY KEY (evaluation, batch)) WITHOUT ROWID""",
            """
            CREATE TABLE weight_submissions (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, step INTEGER NOT NULL,
              block INTEGER NOT NULL, included_in INTEGER, outcome TEXT NOT NULL)""",
            """
            CREATE TABLE submitted_weights (submission INTEGER NOT NULL REFERENCES weight_submissions,
              place INTEGER NOT NULL, uid INTEGER NOT NULL, weight INTEGER NOT NULL, PRIMARY KEY (submission, place))
              WITHOUT ROWID""");

    private final Path file;
    private final Connection connection;

    private StateDatabase(Path file, Connection connection) {
        this.file = file;
        this.connection = connection;
    }

    /**
     * Opens the database of one subnet, creating it when the file is missing or empty.
     *
     * @param netuid the subnet; a database of another one is refused
     * @throws MalformedDataException when the file is corrupt, another program's, another subnet's, or newer than this
     *     program; the file is left as it is
     * @throws IOException when the disk refuses
     */
    static StateDatabase open(Path file, int netuid) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        checkMagic(file);
        try {
            var connection = DriverManager.getConnection("jdbc:sqlite:" + file.toAbsolutePath());
            var database = new StateDatabase(file, connection);
            try {
                database.prepare(netuid);
            } catch (SQLException | IOException e) {
                connection.close();
                throw e;
            }
            return database;
        } catch (SQLException e) {
            throw broken(file, "opening", e);
        }
    }

    @Override
    public synchronized void close() throws IOException {
        try {
            connection.close();
        } catch (SQLException e) {
            throw broken(file, "closing", e);
        }
    }

    private static void checkMagic(Path file) throws IOException {
        if (!Files.exists(file) || Files.size(file) == 0) {
            return;
        }
        try (var in = Files.newInputStream(file)) {
            if (!Arrays.equals(in.readNBytes(SQLITE_MAGIC.length), SQLITE_MAGIC)) {
                throw new MalformedDataException(
                        file.toString(), 0, "expected the header of an SQLite database, found other bytes; " + ADVICE);
            }
        }
    }

    /** Refuses what is not ours before changing a byte of it, then creates what is missing. */
    private void prepare(int netuid) throws SQLException, IOException {
        execute("PRAGMA busy_timeout = 10000");
        int application = number("PRAGMA application_id");
        int version = number("PRAGMA user_version");
        boolean empty = number("SELECT COUNT(*) FROM sqlite_master") == 0;
        if (!empty && application != APPLICATION_ID) {
            throw refused("is another program's database (application id " + application + ", expected "
                    + APPLICATION_ID + "); " + ADVICE);
        }
        if (version > SCHEMA_VERSION) {
            throw refused("was written by a newer sn9 (schema " + version + ", this one knows up to " + SCHEMA_VERSION
                    + "); run the newer sn9, or " + ADVICE);
        }
        execute("PRAGMA journal_mode = WAL");
        execute("PRAGMA synchronous = FULL");
        execute("PRAGMA foreign_keys = ON");
        if (empty) {
            write("creating tables", () -> create(netuid));
        }
        String check = text("PRAGMA quick_check(1)");
        if (!"ok".equals(check)) {
            throw refused("is corrupt (" + check + "); " + ADVICE);
        }
        String stored = text("SELECT value FROM facts WHERE name = 'netuid'");
        if (!String.valueOf(netuid).equals(stored)) {
            throw refused("belongs to netuid " + stored + ", not " + netuid + "; " + ADVICE);
        }
    }

    private void create(int netuid) throws SQLException {
        if (number("SELECT COUNT(*) FROM sqlite_master") > 0) {
            return; // another process was faster
        }
        for (String table : SCHEMA) {
            run(table);
        }
        run("INSERT INTO facts VALUES ('netuid', ?)", String.valueOf(netuid));
        run("PRAGMA application_id = " + APPLICATION_ID);
        run("PRAGMA user_version = " + SCHEMA_VERSION);
    }

    private MalformedDataException refused(String reason) {
        return new MalformedDataException(file.toString(), -1, reason);
    }

    private static IOException broken(Path file, String what, SQLException e) {
        int code = e instanceof SQLiteException sqlite ? sqlite.getResultCode().code & PRIMARY_CODE : 0;
        if (code == SQLiteErrorCode.SQLITE_NOTADB.code || code == SQLiteErrorCode.SQLITE_CORRUPT.code) {
            return new MalformedDataException(file.toString(), -1, "is corrupt (" + e.getMessage() + "); " + ADVICE, e);
        }
        return new IOException(file + ": " + what + ": " + e.getMessage(), e);
    }

    /** The id of the row inserted last. */
    long lastId() throws SQLException {
        return query("SELECT last_insert_rowid()", rows -> rows.next() ? rows.getLong(1) : 0L);
    }

    /** Statements of one transaction. */
    interface Change {
        void run() throws SQLException;
    }

    /** Makes a value of the rows of a query. */
    interface Reader<R> {
        R read(ResultSet rows) throws SQLException;
    }

    /** Runs a change whole or not at all; {@code what} names it when it fails. */
    synchronized void write(String what, Change change) throws IOException {
        try {
            execute("BEGIN IMMEDIATE");
            try {
                change.run();
                execute("COMMIT");
            } catch (SQLException | RuntimeException e) {
                rollBack(e);
                throw e;
            }
        } catch (SQLException e) {
            throw broken(file, what, e);
        }
    }

    /** Ends a failed transaction; SQLite has already ended some by itself (disk full), which is no second failure. */
    private void rollBack(Exception cause) {
        try {
            execute("ROLLBACK");
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    /** Runs a query by itself; {@code what} names it when it fails. */
    synchronized <R> R read(String what, String sql, Reader<R> reader, Object... values) throws IOException {
        try {
            return query(sql, reader, values);
        } catch (SQLException e) {
            throw broken(file, what, e);
        }
    }

    /** Runs a query inside a change or a reader. */
    <R> R query(String sql, Reader<R> reader, Object... values) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            bind(statement, values);
            try (var rows = statement.executeQuery()) {
                return reader.read(rows);
            }
        }
    }

    /** Runs a statement inside a change. */
    void run(String sql, Object... values) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            bind(statement, values);
            statement.execute();
        }
    }

    /** Runs a statement inside a change, once per row of values. */
    void batch(String sql, List<Object[]> rows) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            for (var row : rows) {
                bind(statement, row);
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    private static void bind(PreparedStatement statement, Object... values) throws SQLException {
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
    }

    private void execute(String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private int number(String sql) throws SQLException {
        return query(sql, rows -> rows.next() ? rows.getInt(1) : 0);
    }

    /** The first value of a query, or an empty text. */
    String text(String sql) throws SQLException {
        return query(sql, rows -> rows.next() ? rows.getString(1) : "");
    }
}
