package sn9.validator;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
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
    /** Losses per batch are kept for this many steps (some 150 kB a step with 50 models and 150 batches). */
    static final int STEPS_WITH_LOSSES = 5_000;

    private final StateDatabase database;

    private ValidatorState(StateDatabase database) {
        this.database = database;
    }

    /**
     * Opens the database of one subnet, creating it when the file is missing or empty.
     *
     * @param netuid the subnet; a database of another one is refused
     * @throws sn9.MalformedDataException when the file is corrupt, another program's, another subnet's, or newer than this
     *     program; the file is left as it is
     * @throws IOException when the disk refuses
     */
    public static ValidatorState open(Path file, int netuid) throws IOException {
        return new ValidatorState(StateDatabase.open(file, netuid));
    }

    /** The number of the next step: one more than the last one saved, 0 at first. */
    public long nextStep() throws IOException {
        return database.read(
                "reading the last step",
                "SELECT COALESCE(MAX(step) + 1, 0) FROM steps",
                rows -> rows.next() ? rows.getLong(1) : 0);
    }

    /** Every tracked model, by hotkey. */
    public Map<String, TrackedModel> tracker() throws IOException {
        return database.read(
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
        database.write(
                "tracking " + model.hotkey(),
                () -> database.run(
                        "INSERT OR REPLACE INTO tracker (hotkey, commitment, block, standing, reason, pending)"
                                + " VALUES (?, ?, ?, ?, ?, ?)",
                        model.hotkey(),
                        model.commitment().text(),
                        model.commitment().block(),
                        model.standing().name(),
                        model.reason(),
                        model.pending()));
    }

    /**
     * Says which rules the tracker's verdicts come from. When they came from others, all are forgotten and every model is
     * judged anew; averages stay.
     */
    public void judgeBy(String rules) throws IOException {
        database.write("comparing rules", () -> {
            if (!rules.equals(database.text("SELECT value FROM facts WHERE name = 'rules'"))) {
                database.run("INSERT OR REPLACE INTO facts VALUES ('rules', ?)", rules);
                database.run("DELETE FROM tracker");
            }
        });
    }

    /** Forgets what a hotkey has committed, as if it had never been read. */
    public void untrack(String hotkey) throws IOException {
        database.write("forgetting " + hotkey, () -> database.run("DELETE FROM tracker WHERE hotkey = ?", hotkey));
    }

    /** Forgets the model, the average and the place in the next step of every hotkey but these. */
    public void retain(Collection<String> registered) throws IOException {
        database.write("dropping deregistered hotkeys", () -> {
            database.run("CREATE TEMP TABLE IF NOT EXISTS registered (hotkey TEXT PRIMARY KEY) WITHOUT ROWID");
            database.run("DELETE FROM registered");
            database.batch(
                    "INSERT OR IGNORE INTO registered VALUES (?)",
                    registered.stream().map(hotkey -> new Object[] {hotkey}).toList());
            for (String table : List.of("tracker", "averages", "carried")) {
                database.run("DELETE FROM " + table + " WHERE hotkey NOT IN (SELECT hotkey FROM registered)");
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
        database.write(
                "remembering a rejection",
                () -> database.run(
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
        return database.read(
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
        return database.read("reading averages", "SELECT hotkey, weight FROM averages ORDER BY hotkey", rows -> {
            var averages = new LinkedHashMap<String, Float>();
            while (rows.next()) {
                averages.put(rows.getString(1), rows.getFloat(2));
            }
            return averages;
        });
    }

    /** Hotkeys whose models the last step carried on to the next one, best first. */
    public List<String> carried() throws IOException {
        return database.read("reading carried models", "SELECT hotkey FROM carried ORDER BY place", rows -> {
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
        database.write("saving step " + step.step(), () -> {
            database.run(
                    "INSERT INTO steps (step, block, started_ms, batches) VALUES (?, ?, ?, ?)",
                    step.step(),
                    step.block(),
                    step.started().toEpochMilli(),
                    step.batches());
            var pages = new ArrayList<Object[]>();
            step.pages().forEach(page -> pages.add(new Object[] {step.step(), pages.size(), page}));
            database.batch("INSERT INTO step_pages VALUES (?, ?, ?)", pages);
            database.batch("INSERT INTO step_seconds VALUES (?, ?, ?)", rows(step.step(), step.seconds()));
            database.batch("INSERT INTO step_failures VALUES (?, ?, ?)", rows(step.step(), step.failed()));
            for (var evaluation : step.evaluations()) {
                insert(step.step(), evaluation);
            }
            database.run("DELETE FROM averages");
            var averages = new ArrayList<Object[]>();
            step.averages().forEach((hotkey, weight) -> averages.add(new Object[] {hotkey, weight}));
            database.batch("INSERT INTO averages VALUES (?, ?)", averages);
            database.run("DELETE FROM carried");
            var carried = new ArrayList<Object[]>();
            step.carried().forEach(hotkey -> carried.add(new Object[] {carried.size(), hotkey}));
            database.batch("INSERT INTO carried VALUES (?, ?)", carried);
            database.run(
                    "DELETE FROM losses WHERE evaluation IN (SELECT id FROM evaluations WHERE step = ?)",
                    step.step() - STEPS_WITH_LOSSES);
        });
    }

    /** The evaluations of a saved step with their losses, in order of uid; losses of very old steps are empty. */
    public List<Evaluation> evaluations(long step) throws IOException {
        return database.read(
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
        return database.read(
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
        database.write("recording weights", () -> {
            database.run(
                    "INSERT INTO weight_submissions (at_ms, step, block, included_in, outcome) VALUES (?, ?, ?, ?, ?)",
                    submission.at().toEpochMilli(),
                    submission.step(),
                    submission.block(),
                    submission.includedIn().isPresent()
                            ? submission.includedIn().getAsLong()
                            : null,
                    submission.outcome());
            long id = database.lastId();
            var weights = new ArrayList<Object[]>();
            for (int i = 0; i < submission.uids().length; i++) {
                weights.add(
                        new Object[] {id, i, submission.uids()[i], submission.weights()[i]});
            }
            database.batch("INSERT INTO submitted_weights VALUES (?, ?, ?, ?)", weights);
        });
    }

    /** Every try to set weights, oldest first. */
    public List<WeightSubmission> submissions() throws IOException {
        return database.read(
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
        return database.read("reading weight submissions", "SELECT MAX(included_in) FROM weight_submissions", rows -> {
            long block = rows.next() ? rows.getLong(1) : 0;
            return rows.wasNull() ? OptionalLong.empty() : OptionalLong.of(block);
        });
    }

    @Override
    public void close() throws IOException {
        database.close();
    }

    private void insert(long step, Evaluation evaluation) throws SQLException {
        database.run(
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
        long id = database.lastId();
        var losses = new ArrayList<Object[]>();
        for (double loss : evaluation.losses()) {
            losses.add(new Object[] {id, losses.size(), loss});
        }
        database.batch("INSERT INTO losses VALUES (?, ?, ?)", losses);
        database.run(
                "UPDATE tracker SET pending = 0 WHERE hotkey = ? AND commitment = ? AND block = ?",
                evaluation.hotkey(),
                evaluation.commitment().text(),
                evaluation.commitment().block());
    }

    private double[] losses(long evaluation) throws SQLException {
        return database.query(
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
        return database.query(
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
}
