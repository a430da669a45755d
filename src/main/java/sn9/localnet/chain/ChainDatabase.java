package sn9.localnet.chain;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import sn9.MalformedDataException;
import sn9.RemoteCallException;

/**
 * The chain's SQLite file: its schema, its creation, and transactions on it. Several processes share it through the
 * write-ahead log; every write is one transaction, so a process may die at any moment.
 */
final class ChainDatabase implements AutoCloseable {
    /** Grows with every change of the tables. */
    static final int SCHEMA_VERSION = 3;

    /** "SN9C": tells the file from any other SQLite database. */
    static final int APPLICATION_ID = 0x534e3943;

    private static final int BUSY_MILLIS = 30_000;

    private static final List<String> SCHEMA = List.of(
            // last_block: the block that is being made; numbers never fall below it.
            """
            CREATE TABLE chain (
              id INTEGER PRIMARY KEY CHECK (id = 1),
              netuid INTEGER NOT NULL,
              genesis_millis INTEGER NOT NULL,
              block_millis INTEGER NOT NULL CHECK (block_millis > 0),
              block_offset INTEGER NOT NULL,
              last_block INTEGER NOT NULL) STRICT""",
            // Blocks that are made; the one that is being made has extrinsics, events and state only.
            """
            CREATE TABLE blocks (
              number INTEGER PRIMARY KEY,
              hash BLOB NOT NULL UNIQUE,
              parent BLOB NOT NULL,
              state_root BLOB NOT NULL,
              extrinsics_root BLOB NOT NULL,
              millis INTEGER NOT NULL) STRICT""",
            """
            CREATE TABLE extrinsics (
              block INTEGER NOT NULL,
              place INTEGER NOT NULL,
              hash BLOB NOT NULL,
              bytes BLOB NOT NULL,
              PRIMARY KEY (block, place)) STRICT""",
            "CREATE INDEX extrinsics_by_hash ON extrinsics (hash)",
            """
            CREATE TABLE events (
              block INTEGER NOT NULL,
              place INTEGER NOT NULL,
              record BLOB NOT NULL,
              PRIMARY KEY (block, place)) STRICT, WITHOUT ROWID""",
            // The runtime's storage: a value stands from its block on until a later row of its key; NULL is none.
            """
            CREATE TABLE state (
              key BLOB NOT NULL,
              block INTEGER NOT NULL,
              value BLOB,
              PRIMARY KEY (key, block)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX state_by_block ON state (block)",
            // What the runtime's storage does not keep: all weights ever set, and what epochs made of them.
            """
            CREATE TABLE submissions (
              id INTEGER PRIMARY KEY,
              uid INTEGER NOT NULL,
              hotkey TEXT NOT NULL,
              block INTEGER NOT NULL,
              version_key INTEGER NOT NULL) STRICT""",
            """
            CREATE TABLE submitted_weights (
              submission INTEGER NOT NULL REFERENCES submissions (id),
              uid INTEGER NOT NULL,
              value INTEGER NOT NULL,
              PRIMARY KEY (submission, uid)) STRICT, WITHOUT ROWID""",
            """
            CREATE TABLE epochs (
              id INTEGER PRIMARY KEY,
              first_block INTEGER NOT NULL,
              last_block INTEGER NOT NULL) STRICT""",
            """
            CREATE TABLE incentives (
              epoch INTEGER NOT NULL REFERENCES epochs (id),
              uid INTEGER NOT NULL,
              incentive REAL NOT NULL,
              PRIMARY KEY (epoch, uid)) STRICT, WITHOUT ROWID""",
            "PRAGMA application_id = " + APPLICATION_ID,
            "PRAGMA user_version = " + SCHEMA_VERSION);

    /** Statements inside one transaction. */
    @FunctionalInterface
    interface Work<T, E extends Exception> {
        T run(Connection connection) throws SQLException, IOException, E;
    }

    private final Path file;
    private final Connection connection;

    private ChainDatabase(Path file, Connection connection) {
        this.file = file;
        this.connection = connection;
    }

    /**
     * Creates the file with a genesis at the given moment, unless it is there. It appears whole or not at all; of two
     * processes that create it at once, one wins.
     */
    static void createIfAbsent(Path file, LocalChainParameters parameters, Instant genesis) throws IOException {
        if (Files.exists(file)) {
            return;
        }
        Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
        Path temporary = Files.createTempFile(folder, "chain", ".tmp");
        try {
            try (Connection connection = connect(temporary);
                    Statement statement = connection.createStatement()) {
                statement.execute("PRAGMA journal_mode = WAL");
                statement.execute("BEGIN");
                for (String sql : SCHEMA) {
                    statement.execute(sql);
                }
                Genesis.write(connection, parameters, genesis);
                statement.execute("COMMIT");
            } catch (SQLException e) {
                throw new IOException(temporary + ": the local chain cannot be created: " + e.getMessage(), e);
            }
            Files.createLink(file, temporary);
        } catch (FileAlreadyExistsException e) {
            return; // another process was faster; its chain is as good
        } finally {
            Files.deleteIfExists(temporary);
        }
        try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
            directory.force(true);
        }
    }

    /**
     * Opens an existing file.
     *
     * @throws MalformedDataException when it is no chain database, is damaged, or is of another schema version
     */
    static ChainDatabase open(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IOException(
                    "no local network at " + file.getParent() + ": " + file.getFileName() + " is missing there");
        }
        Connection connection = null;
        try {
            connection = connect(file);
            check(file, connection);
            ChainDatabase database = new ChainDatabase(file, connection);
            connection = null;
            return database;
        } catch (SQLException e) {
            if (isDamage(e)) {
                throw new MalformedDataException(
                        file.toString(),
                        -1,
                        "expected the chain database of a local network, found a damaged or foreign file ("
                                + e.getMessage() + "); move it away to begin a new network",
                        e);
            }
            throw new IOException(file + ": the local chain cannot be opened: " + e.getMessage(), e);
        } finally {
            closeIfOpen(connection);
        }
    }

    /** Runs statements on one snapshot of the data. */
    <T, E extends Exception> T read(Work<T, E> work) throws IOException, E {
        return transaction("BEGIN", work);
    }

    /** Runs statements as the only writer: all of them take effect, or none. */
    <T, E extends Exception> T write(Work<T, E> work) throws IOException, E {
        return transaction("BEGIN IMMEDIATE", work);
    }

    @Override
    public synchronized void close() throws RemoteCallException {
        try {
            connection.close();
        } catch (SQLException e) {
            throw failure(e);
        }
    }

    private synchronized <T, E extends Exception> T transaction(String begin, Work<T, E> work) throws IOException, E {
        try (Statement statement = connection.createStatement()) {
            statement.execute(begin);
            boolean done = false;
            try {
                T result = work.run(connection);
                statement.execute("COMMIT");
                done = true;
                return result;
            } finally {
                if (!done) {
                    rollback(statement);
                }
            }
        } catch (SQLException e) {
            throw failure(e);
        } catch (MalformedDataException e) {
            throw new RemoteCallException(
                    "local chain " + file + ": " + e.getMessage() + "; the file is damaged, move it away to begin a new"
                            + " network",
                    false,
                    e);
        }
    }

    /** SQLite has rolled back by itself after some errors; then there is nothing left to do. */
    private static void rollback(Statement statement) throws SQLException {
        try {
            statement.execute("ROLLBACK");
        } catch (SQLException e) {
            if (!e.getMessage().contains("no transaction is active")) {
                throw e;
            }
        }
    }

    private RemoteCallException failure(SQLException e) {
        boolean busy = e instanceof SQLiteException lite && lite.getResultCode() == SQLiteErrorCode.SQLITE_BUSY;
        String advice = busy
                ? "; another process has been writing for " + BUSY_MILLIS / 1000 + " s"
                : isDamage(e) ? "; the file is damaged, move it away to begin a new network" : "";
        return new RemoteCallException("local chain " + file + ": " + e.getMessage() + advice, busy, e);
    }

    private static Connection connect(Path file) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setBusyTimeout(BUSY_MILLIS);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.enforceForeignKeys(true);
        return config.createConnection("jdbc:sqlite:" + file);
    }

    private static void check(Path file, Connection connection) throws SQLException, MalformedDataException {
        int application = number(connection, "PRAGMA application_id");
        if (application != APPLICATION_ID) {
            throw new MalformedDataException(
                    file.toString(),
                    -1,
                    "expected the chain database of a local network (application id " + APPLICATION_ID
                            + "), found another SQLite database (" + application + "); choose another directory");
        }
        int version = number(connection, "PRAGMA user_version");
        if (version != SCHEMA_VERSION) {
            throw new MalformedDataException(
                    file.toString(),
                    -1,
                    "expected schema version " + SCHEMA_VERSION + ", found " + version
                            + "; use the release of sn9 that made it, or begin a new network in another directory");
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA quick_check(1)")) {
            String result = row.next() ? row.getString(1) : "nothing";
            if (!result.equals("ok")) {
                throw new MalformedDataException(
                        file.toString(),
                        -1,
                        "the database is damaged (" + result + "); move it away to begin a new network");
            }
        }
        ChainState.read(connection);
    }

    private static int number(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getInt(1) : 0;
        }
    }

    private static boolean isDamage(SQLException e) {
        return e instanceof SQLiteException lite
                && (lite.getResultCode() == SQLiteErrorCode.SQLITE_NOTADB
                        || lite.getResultCode().code % 256 == SQLiteErrorCode.SQLITE_CORRUPT.code);
    }

    private static void closeIfOpen(Connection connection) throws IOException {
        if (connection == null) {
            return;
        }
        try {
            connection.close();
        } catch (SQLException e) {
            throw new IOException("closing the local chain failed: " + e.getMessage(), e);
        }
    }
}
