package sn9.localnet;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import sn9.RemoteCallException;
import sn9.subnet.CommitTooSoonException;
import sn9.subnet.Commitment;
import sn9.subnet.Metagraph;
import sn9.subnet.ModelId;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.Neuron;
import sn9.subnet.SubnetChain;
import sn9.subnet.WeightVector;

/**
 * A chain of one subnet in {@code chain.db} of a local network's directory. Blocks follow the wall clock. Any number of
 * processes may have it open; all writes are transactions. Any thread may call it; calls on one instance take turns.
 *
 * <p>A neuron has a validator permit when its stake is above 0; the genuine chain gives it to the 64 of largest stake.
 */
public final class LocalChain implements SubnetChain, ModelMetadataStore {
    private static final String FILE = "chain.db";

    private final ChainDatabase database;
    private final Optional<LocalIdentity> identity;
    private final InstantSource clock;

    private LocalChain(ChainDatabase database, Optional<LocalIdentity> identity, InstantSource clock) {
        this.database = database;
        this.identity = identity;
        this.clock = clock;
    }

    /** As {@link #open(Path, LocalIdentity, LocalChainParameters, InstantSource)} by default parameters and clock. */
    public static LocalChain open(Path localnetDir, LocalIdentity who) throws IOException {
        return open(localnetDir, who, LocalChainParameters.defaults(), InstantSource.system());
    }

    /**
     * Opens a local network's chain as one of its neurons, creating it where there is none.
     *
     * @param who under whose hotkey to commit and set weights; need not be registered yet
     * @param parameters for a chain that is created now; an existing one keeps its own
     * @param clock tells which block it is
     * @throws sn9.MalformedDataException when the database is damaged, foreign or of another schema version
     */
    public static LocalChain open(
            Path localnetDir, LocalIdentity who, LocalChainParameters parameters, InstantSource clock)
            throws IOException {
        Path file = localnetDir.resolve(FILE);
        ChainDatabase.createIfAbsent(file, parameters, clock.instant());
        return new LocalChain(ChainDatabase.open(file), Optional.of(who), clock);
    }

    /**
     * Makes a local network's chain where there is none, and opens it to look at, as nobody.
     *
     * @throws FileAlreadyExistsException when there is one
     */
    public static LocalChain create(Path localnetDir, LocalChainParameters parameters, InstantSource clock)
            throws IOException {
        Path file = localnetDir.resolve(FILE);
        if (Files.exists(file)) {
            throw new FileAlreadyExistsException(file.toString());
        }
        ChainDatabase.createIfAbsent(file, parameters, clock.instant());
        return observe(localnetDir, clock);
    }

    /**
     * Opens an existing chain as one of its neurons.
     *
     * @throws IOException when there is none in that directory
     */
    public static LocalChain openExisting(Path localnetDir, LocalIdentity who, InstantSource clock) throws IOException {
        return new LocalChain(ChainDatabase.open(localnetDir.resolve(FILE)), Optional.of(who), clock);
    }

    /**
     * Opens an existing chain to look at, as nobody.
     *
     * @throws IOException when there is none in that directory
     */
    public static LocalChain observe(Path localnetDir, InstantSource clock) throws IOException {
        return new LocalChain(ChainDatabase.open(localnetDir.resolve(FILE)), Optional.empty(), clock);
    }

    /** What the chain was created with. */
    public LocalChainParameters parameters() throws RemoteCallException {
        return database.read(c -> ChainState.read(c).parameters());
    }

    @Override
    public long block() throws RemoteCallException {
        return database.read(c -> ChainState.read(c).block(clock.instant()));
    }

    /**
     * Lets blocks pass at once, for rehearsals that cannot wait.
     *
     * @param blocks 0 or more
     * @return the block it is then
     */
    public long advance(long blocks) throws RemoteCallException {
        if (blocks < 0) {
            throw new IllegalArgumentException("cannot advance by " + blocks + " blocks, expected 0 or more");
        }
        return database.write(c -> {
            ChainState state = ChainState.read(c);
            long block = Math.addExact(state.block(clock.instant()), blocks);
            ChainState.save(c, block, Math.addExact(state.offset(), blocks));
            return block;
        });
    }

    /**
     * Gives a hotkey a slot: the lowest free one. A hotkey that is registered keeps its slot and its stake.
     *
     * @param stake in TAO, 0 or more
     * @return the uid
     * @throws RemoteCallException not retryable when all slots are taken
     */
    public int register(LocalIdentity who, double stake) throws RemoteCallException {
        if (!(stake >= 0) || Double.isInfinite(stake)) {
            throw new IllegalArgumentException("stake is " + stake + ", expected a finite number, 0 or more");
        }
        return write((c, state, block) -> {
            Map<Integer, String> hotkeys = hotkeys(c);
            for (Map.Entry<Integer, String> neuron : hotkeys.entrySet()) {
                if (neuron.getValue().equals(who.hotkey())) {
                    return neuron.getKey();
                }
            }
            int uid = 0;
            while (hotkeys.containsKey(uid)) {
                uid++;
            }
            if (uid >= state.parameters().maxUids()) {
                throw new RemoteCallException(
                        "local chain: all " + state.parameters().maxUids() + " slots are taken", false);
            }
            try (PreparedStatement insert = c.prepareStatement("INSERT INTO neurons VALUES (?, ?, ?, ?, ?,"
                    + " (SELECT coalesce(max(id), 0) FROM submissions))")) {
                insert.setInt(1, uid);
                insert.setString(2, who.hotkey());
                insert.setString(3, who.coldkey());
                insert.setDouble(4, stake);
                insert.setLong(5, block);
                insert.executeUpdate();
            }
            return uid;
        });
    }

    /**
     * Takes a hotkey off the subnet, as the genuine chain does when it prunes; its slot is free for another. Its
     * commitment stays readable, as there.
     *
     * @return whether it was registered
     */
    public boolean deregister(String hotkey) throws RemoteCallException {
        return write((c, state, block) -> {
            try (PreparedStatement delete = c.prepareStatement("DELETE FROM neurons WHERE hotkey = ?")) {
                delete.setString(1, hotkey);
                return delete.executeUpdate() > 0;
            }
        });
    }

    @Override
    public Metagraph metagraph() throws RemoteCallException {
        return settled((c, state, block) -> {
            List<Neuron> neurons = new ArrayList<>();
            try (PreparedStatement select = c.prepareStatement("""
                            SELECT n.uid, n.hotkey, n.coldkey, n.stake, coalesce(i.incentive, 0),
                              (SELECT coalesce(max(s.block), 0) FROM submissions s
                               WHERE s.hotkey = n.hotkey AND s.id > n.submissions_before)
                            FROM neurons n
                            LEFT JOIN incentives i ON i.epoch = (SELECT max(id) FROM epochs)
                              AND i.uid = n.uid AND i.hotkey = n.hotkey
                            ORDER BY n.uid""");
                    ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    neurons.add(new Neuron(
                            row.getInt(1),
                            row.getString(2),
                            row.getString(3),
                            row.getDouble(4),
                            row.getDouble(5),
                            row.getDouble(4) > 0,
                            row.getLong(6)));
                }
            }
            return new Metagraph(state.parameters().netuid(), block, neurons);
        });
    }

    @Override
    public Map<String, Commitment> commitments() throws RemoteCallException {
        return database.read(c -> {
            Map<String, Commitment> commitments = new LinkedHashMap<>();
            try (PreparedStatement select =
                            c.prepareStatement("SELECT hotkey, text, block FROM commitments ORDER BY block, hotkey");
                    ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    commitments.put(row.getString(1), new Commitment(row.getString(2), row.getLong(3)));
                }
            }
            return commitments;
        });
    }

    @Override
    public Optional<Commitment> commitment(String hotkey) throws RemoteCallException {
        return database.read(c -> commitment(c, hotkey));
    }

    @Override
    public Commitment commit(String text) throws RemoteCallException {
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        if (bytes == 0 || bytes > ModelId.MAX_BYTES) {
            throw new IllegalArgumentException(
                    "commitment has " + bytes + " bytes, expected 1 to " + ModelId.MAX_BYTES);
        }
        String hotkey = identity().hotkey();
        return write((c, state, block) -> {
            requireUid(c, state, hotkey);
            Optional<Commitment> before = commitment(c, hotkey);
            long wait = before.map(b -> b.block() + state.parameters().commitInterval() - block)
                    .orElse(0L);
            if (wait > 0) {
                throw new CommitTooSoonException(
                        "local chain: hotkey " + hotkey + " committed at block "
                                + before.get().block() + ", it is block " + block + ", the next commitment may come in "
                                + wait + " blocks",
                        wait);
            }
            try (PreparedStatement replace = c.prepareStatement("REPLACE INTO commitments VALUES (?, ?, ?)")) {
                replace.setString(1, hotkey);
                replace.setString(2, text);
                replace.setLong(3, block);
                replace.executeUpdate();
            }
            return new Commitment(text, block);
        });
    }

    @Override
    public long setWeights(int[] uids, int[] weights, long versionKey) throws RemoteCallException {
        SortedMap<Integer, Integer> byUid = byUid(uids, weights);
        String hotkey = identity().hotkey();
        return write((c, state, block) -> {
            int uid = requireUid(c, state, hotkey);
            requirePermit(c, hotkey);
            long interval = state.parameters().weightsInterval();
            Optional<WeightSubmission> before = SubmissionTable.current(c, uid);
            if (before.isPresent() && block - before.get().block() < interval) {
                throw new RemoteCallException(
                        "local chain: hotkey " + hotkey + " set weights at block "
                                + before.get().block() + ", it is block " + block + ", expected " + interval
                                + " blocks in between",
                        true);
            }
            SubmissionTable.insert(c, new WeightSubmission(uid, hotkey, block, versionKey, byUid), hotkeys(c));
            return block;
        });
    }

    /** The weights that a validator's slot stands for now: the latest of its present holder. */
    public Optional<WeightSubmission> weights(int validatorUid) throws RemoteCallException {
        return database.read(c -> SubmissionTable.current(c, validatorUid));
    }

    /** The latest weights that were set, newest first, whoever set them. */
    public List<WeightSubmission> submissions(int limit) throws RemoteCallException {
        return database.read(c -> SubmissionTable.latest(c, limit));
    }

    /** The latest results of epochs, newest first. */
    public List<EpochResult> epochs(int limit) throws RemoteCallException {
        return settled((c, state, block) -> Epochs.latest(c, limit));
    }

    @Override
    public void close() throws RemoteCallException {
        database.close();
    }

    /** Statements of a write, with the chain's state and the block they fall in. */
    @FunctionalInterface
    private interface Extrinsic<T> {
        T apply(Connection connection, ChainState state, long block) throws SQLException, RemoteCallException;
    }

    /** Epochs that have come are run before anything changes. */
    private <T> T write(Extrinsic<T> extrinsic) throws RemoteCallException {
        return database.write(c -> {
            ChainState state = ChainState.read(c);
            long block = state.block(clock.instant());
            Epochs.settle(c, state, block);
            T result = extrinsic.apply(c, state, block);
            ChainState.save(c, block, state.offset());
            return result;
        });
    }

    /** Looks once the epochs that have come are run; that needs a write only when one has. */
    private <T> T settled(Extrinsic<T> look) throws RemoteCallException {
        Optional<T> seen = database.read(c -> {
            ChainState state = ChainState.read(c);
            long block = state.block(clock.instant());
            return Epochs.pending(state, block) ? Optional.empty() : Optional.of(look.apply(c, state, block));
        });
        return seen.isPresent() ? seen.get() : write(look);
    }

    private LocalIdentity identity() {
        return identity.orElseThrow(
                () -> new IllegalStateException("this chain was opened to look at; open it with an identity to write"));
    }

    private static int requireUid(Connection c, ChainState state, String hotkey)
            throws SQLException, RemoteCallException {
        for (Map.Entry<Integer, String> neuron : hotkeys(c).entrySet()) {
            if (neuron.getValue().equals(hotkey)) {
                return neuron.getKey();
            }
        }
        throw new RemoteCallException(
                "local chain: hotkey " + hotkey + " is not registered on subnet "
                        + state.parameters().netuid() + "; register it first",
                false);
    }

    private static void requirePermit(Connection c, String hotkey) throws SQLException, RemoteCallException {
        try (PreparedStatement select = c.prepareStatement("SELECT 1 FROM neurons WHERE hotkey = ? AND stake > 0")) {
            select.setString(1, hotkey);
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    throw new RemoteCallException(
                            "local chain: hotkey " + hotkey + " has no validator permit; register it with stake",
                            false);
                }
            }
        }
    }

    private static Map<Integer, String> hotkeys(Connection c) throws SQLException {
        Map<Integer, String> hotkeys = new LinkedHashMap<>();
        try (PreparedStatement select = c.prepareStatement("SELECT uid, hotkey FROM neurons ORDER BY uid");
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                hotkeys.put(row.getInt(1), row.getString(2));
            }
        }
        return hotkeys;
    }

    private static Optional<Commitment> commitment(Connection c, String hotkey) throws SQLException {
        try (PreparedStatement select = c.prepareStatement("SELECT text, block FROM commitments WHERE hotkey = ?")) {
            select.setString(1, hotkey);
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? Optional.of(new Commitment(row.getString(1), row.getLong(2))) : Optional.empty();
            }
        }
    }

    /** The weights by uid, checked. */
    private static SortedMap<Integer, Integer> byUid(int[] uids, int[] weights) {
        if (uids.length != weights.length || uids.length == 0) {
            throw new IllegalArgumentException(
                    uids.length + " uids and " + weights.length + " weights, expected as many of both, at least one");
        }
        SortedMap<Integer, Integer> byUid = new TreeMap<>();
        for (int i = 0; i < uids.length; i++) {
            if (weights[i] < 0 || weights[i] > WeightVector.MAX) {
                throw new IllegalArgumentException(
                        "weight of uid " + uids[i] + " is " + weights[i] + ", expected 0 to " + WeightVector.MAX);
            }
            if (byUid.put(uids[i], weights[i]) != null) {
                throw new IllegalArgumentException("uid " + uids[i] + " occurs twice");
            }
        }
        return byUid;
    }
}
