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
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import sn9.MalformedDataException;
import sn9.subnet.Commitment;
import sn9.subnet.ModelId;
import sn9.validator.TrackedModel.Standing;

/**
 * The validator's memory: an SQLite database with the tracker, the moving averages by hotkey, every step with its losses,
 * rejections, and weight submissions.
 *
 * <p>Each change is one transaction, and a step with everything that follows from it is one change. The journal is a
 * write-ahead log with {@code synchronous=FULL}: a transaction is in the log and on the disk before its method returns, so
 * neither {@code kill -9} nor a power cut takes it back, and one that had not returned is either there whole or not at all
 * when the file is opened again. A killed process would already be safe with {@code NORMAL}; the power cut is what
 * {@code FULL} adds, for one more sync in a step of minutes.
 *
 * <p>Safe to call from any thread; one call runs at a time. Other processes may read the file meanwhile.
 */
public final class ValidatorState implements AutoCloseable {
    /** Marks the file as ours in SQLite's header: "sn9v". */
    static final int APPLICATION_ID = 0x736e3976;

    /** The version of {@link #SCHEMA}. */
    static final int SCHEMA_VERSION = 1;

    /** Losses per batch are kept for this many steps (some 150 kB a step with 50 models and 150 batches). */
    static final int STEPS_WITH_LOSSES = 5_000;

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

    private ValidatorState(Path file, Connection connection) {
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
    public static ValidatorState open(Path file, int netuid) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        checkMagic(file);
        try {
            var connection = DriverManager.getConnection("jdbc:sqlite:" + file.toAbsolutePath());
            var state = new ValidatorState(file, connection);
            try {
                state.prepare(netuid);
            } catch (SQLException | IOException e) {
                connection.close();
                throw e;
            }
            return state;
        } catch (SQLException e) {
            throw broken(file, "opening", e);
        }
    }

    /** The number of the next step: one more than the last one saved, 0 at first. */
    public long nextStep() throws IOException {
        return read(
                "reading the last step",
                "SELECT COALESCE(MAX(step) + 1, 0) FROM steps",
                rows -> rows.next() ? rows.getLong(1) : 0);
    }

    /** Every tracked model, by hotkey. */
    public Map<String, TrackedModel> tracker() throws IOException {
        return read(
                "reading the tracker",
                "SELECT hotkey, commitment, block, standing, reason, pending FROM tracker ORDER BY hotkey",
                rows -> {
                    var tracked = new LinkedHashMap<String, TrackedModel>();
                    while (rows.next()) {
                        tracked.put(
                                rows.getString(1),
                                new TrackedModel(
                                        rows.getString(1),
                                        new Commitment(rows.getString(2), rows.getLong(3)),
                                        Standing.valueOf(rows.getString(4)),
                                        rows.getString(5),
                                        rows.getBoolean(6)));
                    }
                    return tracked;
                });
    }

    /** Remembers what a hotkey has committed, in place of what it had before. */
    public void track(TrackedModel model) throws IOException {
        write(
                "tracking " + model.hotkey(),
                () -> run(
                        "INSERT OR REPLACE INTO tracker (hotkey, commitment, block, standing, reason, pending)"
                                + " VALUES (?, ?, ?, ?, ?, ?)",
                        model.hotkey(),
                        model.commitment().text(),
                        model.commitment().block(),
                        model.standing().name(),
                        model.reason(),
                        model.pending()));
    }

    /** Forgets what a hotkey has committed, as if it had never been read. */
    public void untrack(String hotkey) throws IOException {
        write("forgetting " + hotkey, () -> run("DELETE FROM tracker WHERE hotkey = ?", hotkey));
    }

    /** Forgets the model, the average and the place in the next step of every hotkey but these. */
    public void retain(Collection<String> registered) throws IOException {
        write("dropping deregistered hotkeys", () -> {
            run("CREATE TEMP TABLE IF NOT EXISTS registered (hotkey TEXT PRIMARY KEY) WITHOUT ROWID");
            run("DELETE FROM registered");
            batch(
                    "INSERT OR IGNORE INTO registered VALUES (?)",
                    registered.stream().map(hotkey -> new Object[] {hotkey}).toList());
            for (String table : List.of("tracker", "averages", "carried")) {
                run("DELETE FROM " + table + " WHERE hotkey NOT IN (SELECT hotkey FROM registered)");
            }
        });
    }

    /**
     * Remembers that a model was looked at and found to break a rule, so that it is not fetched again.
     *
     * @param model the verdict on it
     * @param limits what the rules were that it was judged by; other rules judge it anew
     */
    public void reject(ModelId id, String limits, TrackedModel model) throws IOException {
        write(
                "remembering a rejection",
                () -> run(
                        "INSERT OR REPLACE INTO rejections VALUES (?, ?, ?, ?, ?, ?)",
                        id.repoId(),
                        id.commit(),
                        id.hash(),
                        limits,
                        model.standing().name(),
                        model.reason()));
    }

    /**
     * The verdict on a model that was found to break a rule before, for a hotkey that commits it now. The hash is part of
     * what is remembered: whoever commits another's repository with a wrong hash does that other no harm.
     */
    public Optional<TrackedModel> rejection(ModelId id, String limits, String hotkey, Commitment commitment)
            throws IOException {
        return read(
                "reading rejections",
                "SELECT standing, reason FROM rejections WHERE repo = ? AND commit_id = ? AND hash = ? AND limits = ?",
                rows -> {
                    if (!rows.next()) {
                        return Optional.empty();
                    }
                    return Optional.of(
                            Standing.valueOf(rows.getString(1)) == Standing.UNFIT
                                    ? TrackedModel.unfit(hotkey, commitment, rows.getString(2))
                                    : TrackedModel.rejected(hotkey, commitment, rows.getString(2)));
                },
                id.repoId(),
                id.commit(),
                id.hash(),
                limits);
    }

    /** Moving-average weight by hotkey after the last saved step. */
    public Map<String, Float> averages() throws IOException {
        return read("reading averages", "SELECT hotkey, weight FROM averages ORDER BY hotkey", rows -> {
            var averages = new LinkedHashMap<String, Float>();
            while (rows.next()) {
                averages.put(rows.getString(1), rows.getFloat(2));
            }
            return averages;
        });
    }

    /** Hotkeys whose models the last step carried on to the next one, best first. */
    public List<String> carried() throws IOException {
        return read("reading carried models", "SELECT hotkey FROM carried ORDER BY place", rows -> {
            var hotkeys = new ArrayList<String>();
            while (rows.next()) {
                hotkeys.add(rows.getString(1));
            }
            return hotkeys;
        });
    }

    /**
     * Saves a finished step: its pages, evaluations and losses, the averages and the carried models that follow from it;
     * the evaluated models no longer wait. All of it, or nothing.
     *
     * @throws IOException also when this step is already saved, for instance by another validator on the same file
     */
    public void save(StepRecord step) throws IOException {
        write("saving step " + step.step(), () -> {
            run(
                    "INSERT INTO steps (step, block, started_ms, batches) VALUES (?, ?, ?, ?)",
                    step.step(),
                    step.block(),
                    step.started().toEpochMilli(),
                    step.batches());
            var pages = new ArrayList<Object[]>();
            step.pages().forEach(page -> pages.add(new Object[] {step.step(), pages.size(), page}));
            batch("INSERT INTO step_pages VALUES (?, ?, ?)", pages);
            batch("INSERT INTO step_seconds VALUES (?, ?, ?)", rows(step.step(), step.seconds()));
            batch("INSERT INTO step_failures VALUES (?, ?, ?)", rows(step.step(), step.failed()));
            for (var evaluation : step.evaluations()) {
                insert(step.step(), evaluation);
            }
            run("DELETE FROM averages");
            var averages = new ArrayList<Object[]>();
            step.averages().forEach((hotkey, weight) -> averages.add(new Object[] {hotkey, weight}));
            batch("INSERT INTO averages VALUES (?, ?)", averages);
            run("DELETE FROM carried");
            var carried = new ArrayList<Object[]>();
            step.carried().forEach(hotkey -> carried.add(new Object[] {carried.size(), hotkey}));
            batch("INSERT INTO carried VALUES (?, ?)", carried);
            run(
                    "DELETE FROM losses WHERE evaluation IN (SELECT id FROM evaluations WHERE step = ?)",
                    step.step() - STEPS_WITH_LOSSES);
        });
    }

    /** The evaluations of a saved step with their losses, in order of uid; losses of very old steps are empty. */
    public List<Evaluation> evaluations(long step) throws IOException {
        return read(
                "reading step " + step,
                "SELECT id, uid, hotkey, commitment, block, failure, wins, win_rate, step_weight, weight"
                        + " FROM evaluations WHERE step = ? ORDER BY uid",
                rows -> {
                    var evaluations = new ArrayList<Evaluation>();
                    while (rows.next()) {
                        evaluations.add(new Evaluation(
                                rows.getInt(2),
                                rows.getString(3),
                                new Commitment(rows.getString(4), rows.getLong(5)),
                                losses(rows.getLong(1)),
                                Optional.ofNullable(rows.getString(6)),
                                rows.getInt(7),
                                rows.getDouble(8),
                                rows.getFloat(9),
                                rows.getFloat(10)));
                    }
                    return evaluations;
                },
                step);
    }

    /** The pages of a saved step, in the order they were drawn. */
    public List<Long> pages(long step) throws IOException {
        return read(
                "reading the pages of step " + step,
                "SELECT page FROM step_pages WHERE step = ? ORDER BY place",
                rows -> {
                    var pages = new ArrayList<Long>();
                    while (rows.next()) {
                        pages.add(rows.getLong(1));
                    }
                    return pages;
                },
                step);
    }

    /** Remembers one try to set weights. */
    public void record(WeightSubmission submission) throws IOException {
        write("recording weights", () -> {
            run(
                    "INSERT INTO weight_submissions (at_ms, step, block, included_in, outcome) VALUES (?, ?, ?, ?, ?)",
                    submission.at().toEpochMilli(),
                    submission.step(),
                    submission.block(),
                    submission.includedIn().isPresent()
                            ? submission.includedIn().getAsLong()
                            : null,
                    submission.outcome());
            long id = lastId();
            var weights = new ArrayList<Object[]>();
            for (int i = 0; i < submission.uids().length; i++) {
                weights.add(
                        new Object[] {id, i, submission.uids()[i], submission.weights()[i]});
            }
            batch("INSERT INTO submitted_weights VALUES (?, ?, ?, ?)", weights);
        });
    }

    /** Every try to set weights, oldest first. */
    public List<WeightSubmission> submissions() throws IOException {
        return read(
                "reading weight submissions",
                "SELECT id, at_ms, step, block, included_in, outcome FROM weight_submissions ORDER BY id",
                rows -> {
                    var submissions = new ArrayList<WeightSubmission>();
                    while (rows.next()) {
                        long id = rows.getLong(1);
                        long included = rows.getLong(5);
                        var includedIn = rows.wasNull() ? OptionalLong.empty() : OptionalLong.of(included);
                        submissions.add(new WeightSubmission(
                                Instant.ofEpochMilli(rows.getLong(2)),
                                rows.getLong(3),
                                rows.getLong(4),
                                submitted(id, "uid"),
                                submitted(id, "weight"),
                                includedIn,
                                rows.getString(6)));
                    }
                    return submissions;
                });
    }

    /** The block of the last weights that the chain took, if it ever did. */
    public OptionalLong lastWeightsBlock() throws IOException {
        return read("reading weight submissions", "SELECT MAX(included_in) FROM weight_submissions", rows -> {
            long block = rows.next() ? rows.getLong(1) : 0;
            return rows.wasNull() ? OptionalLong.empty() : OptionalLong.of(block);
        });
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

    private void insert(long step, Evaluation evaluation) throws SQLException {
        run(
                "INSERT INTO evaluations (step, uid, hotkey, commitment, block, average_loss, failure, wins, win_rate,"
                        + " step_weight, weight) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                step,
                evaluation.uid(),
                evaluation.hotkey(),
                evaluation.commitment().text(),
                evaluation.commitment().block(),
                evaluation.averageLoss(),
                evaluation.failure().orElse(null),
                evaluation.wins(),
                evaluation.winRate(),
                evaluation.stepWeight(),
                evaluation.weight());
        long id = lastId();
        var losses = new ArrayList<Object[]>();
        for (double loss : evaluation.losses()) {
            losses.add(new Object[] {id, losses.size(), loss});
        }
        batch("INSERT INTO losses VALUES (?, ?, ?)", losses);
        run(
                "UPDATE tracker SET pending = 0 WHERE hotkey = ? AND commitment = ? AND block = ?",
                evaluation.hotkey(),
                evaluation.commitment().text(),
                evaluation.commitment().block());
    }

    private double[] losses(long evaluation) throws SQLException {
        return query(
                "SELECT loss FROM losses WHERE evaluation = ? ORDER BY batch",
                rows -> {
                    var losses = new ArrayList<Double>();
                    while (rows.next()) {
                        double loss = rows.getDouble(1);
                        losses.add(rows.wasNull() ? Double.NaN : loss); // SQLite stores NaN as NULL
                    }
                    return losses.stream().mapToDouble(Double::doubleValue).toArray();
                },
                evaluation);
    }

    private int[] submitted(long submission, String column) throws SQLException {
        return query(
                "SELECT " + column + " FROM submitted_weights WHERE submission = ? ORDER BY place",
                rows -> {
                    var values = new ArrayList<Integer>();
                    while (rows.next()) {
                        values.add(rows.getInt(1));
                    }
                    return values.stream().mapToInt(Integer::intValue).toArray();
                },
                submission);
    }

    private static List<Object[]> rows(long step, Map<?, ?> values) {
        return values.entrySet().stream()
                .map(entry -> new Object[] {step, entry.getKey(), entry.getValue()})
                .toList();
    }

    private long lastId() throws SQLException {
        return query("SELECT last_insert_rowid()", rows -> rows.next() ? rows.getLong(1) : 0L);
    }

    private interface Change {
        void run() throws SQLException;
    }

    private interface Reader<R> {
        R read(ResultSet rows) throws SQLException;
    }

    private synchronized void write(String what, Change change) throws IOException {
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

    private synchronized <R> R read(String what, String sql, Reader<R> reader, Object... values) throws IOException {
        try {
            return query(sql, reader, values);
        } catch (SQLException e) {
            throw broken(file, what, e);
        }
    }

    private <R> R query(String sql, Reader<R> reader, Object... values) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            bind(statement, values);
            try (var rows = statement.executeQuery()) {
                return reader.read(rows);
            }
        }
    }

    private void run(String sql, Object... values) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            bind(statement, values);
            statement.execute();
        }
    }

    private void batch(String sql, List<Object[]> rows) throws SQLException {
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

    private String text(String sql) throws SQLException {
        return query(sql, rows -> rows.next() ? rows.getString(1) : "");
    }
}
