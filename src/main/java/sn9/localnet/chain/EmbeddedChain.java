package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import sn9.RemoteCallException;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.Value;
import sn9.subnet.Commitment;
import sn9.wallet.Ss58;

/**
 * A chain of one subnet in a SQLite file. Blocks follow the wall clock: a block is open for a block time, takes what is
 * written and submitted meanwhile at once, and is made (gets its hash) when somebody looks after its time. Any number of
 * processes may have the file open; all writes are transactions. Any thread may call; calls on one instance take turns.
 *
 * <p>The latest {@value #HISTORY_BLOCKS} blocks can be asked for, with the state at their ends. When nobody has looked for
 * longer, the blocks in between are passed over: their numbers are counted, but they are never made.
 */
public final class EmbeddedChain implements AutoCloseable {
    /** Blocks that are remembered, as many as the genuine runtime keeps hashes of. */
    public static final int HISTORY_BLOCKS = 2_400;

    /** Extrinsics that a block takes; more are dropped. */
    private static final int MAX_EXTRINSICS = 1_000;

    /** Blocks between two clearings of what is older than the history. */
    private static final int FORGET_INTERVAL = 256;

    /** What a coldkey gets that registers here for the first time, in rao. */
    private static final long WELCOME = 1_000_000_000_000L;

    private static final String FILE = "chain.db";

    private final ChainDatabase database;
    private final InstantSource clock;

    private EmbeddedChain(ChainDatabase database, InstantSource clock) {
        this.database = database;
        this.clock = clock;
    }

    /** The chain's file in a local network's directory. */
    public static Path file(Path localnetDir) {
        return localnetDir.resolve(FILE);
    }

    /** Makes a chain's file, unless it is there. Of two processes that make it at once, one wins. */
    public static void createIfAbsent(Path file, LocalChainParameters parameters, Instant genesis) throws IOException {
        ChainDatabase.createIfAbsent(file, parameters, genesis);
    }

    /**
     * Opens an existing chain.
     *
     * @param clock tells which block it is
     * @throws sn9.MalformedDataException when the database is damaged, foreign or of another schema version
     */
    public static EmbeddedChain open(Path file, InstantSource clock) throws IOException {
        return new EmbeddedChain(ChainDatabase.open(file), clock);
    }

    /** Something to find out about the state at the end of a block. */
    @FunctionalInterface
    public interface Look<T> {
        /** Looks, inside one transaction. */
        T at(StateView state) throws SQLException, IOException;
    }

    /** What the chain was created with, or has been set to since. */
    public LocalChainParameters parameters() throws IOException {
        return database.read(c -> {
            ChainState chain = ChainState.read(c);
            StateView state = new StateView(c, chain, chain.lastBlock());
            Value netuid = Value.of(chain.netuid());
            return new LocalChainParameters(
                    chain.netuid(),
                    chain.blockTime(),
                    state.number("SubtensorModule.Tempo", netuid),
                    state.number("SubtensorModule.WeightsSetRateLimit", netuid),
                    (int) state.number("SubtensorModule.MaxAllowedUids", netuid),
                    state.get("SubtensorModule.CommitRevealWeightsEnabled", netuid)
                            .truth());
        });
    }

    /** The number of the block that is open now. */
    public long openBlock() throws IOException {
        return database.read(c -> ChainState.read(c).block(clock.instant()));
    }

    /**
     * Lets blocks pass at once, for rehearsals that cannot wait.
     *
     * @param blocks 0 or more
     * @return the block that is open then
     */
    public long advance(long blocks) throws IOException {
        if (blocks < 0) {
            throw new IllegalArgumentException("cannot advance by " + blocks + " blocks, expected 0 or more");
        }
        return database.write(c -> {
            ChainState chain = ChainState.read(c);
            long block = Math.addExact(chain.block(clock.instant()), blocks);
            ChainState.save(c, block, Math.addExact(chain.offset(), blocks));
            return open(c).block();
        });
    }

    /** The latest block that is made; blocks whose time has passed are made first. */
    public Block best() throws IOException {
        Optional<Block> known = database.read(c -> {
            Block last = Blocks.last(c);
            boolean current = ChainState.read(c).block(clock.instant()) == last.number() + 1;
            return current ? Optional.of(last) : Optional.empty();
        });
        return known.isPresent()
                ? known.get()
                : database.write(c -> {
                    open(c);
                    return Blocks.last(c);
                });
    }

    /** A block by its number, unless it is not made yet or forgotten. */
    public Optional<Block> block(long number) throws IOException {
        return database.read(c -> Blocks.find(c, number));
    }

    /** A block by its hash, unless it is unknown or forgotten. */
    public Optional<Block> block(byte[] hash) throws IOException {
        return database.read(c -> Blocks.find(c, hash));
    }

    /** The extrinsics of a block, the one that sets the time first. */
    public List<byte[]> extrinsics(Block block) throws IOException {
        return database.read(c -> {
            List<byte[]> body = new ArrayList<>();
            if (block.number() > 0) {
                body.add(Blocks.timestamp(block.time()));
            }
            body.addAll(Blocks.extrinsics(c, block.number()));
            return body;
        });
    }

    /** Looks at the state at the end of a block that is made. */
    public <T> T look(Block block, Look<T> look) throws IOException {
        return database.read(c -> look.at(new StateView(c, ChainState.read(c), block.number())));
    }

    /** Looks at the state as it is now, in the open block; its epoch, if it begins with one, has been run. */
    public <T> T lookNow(Look<T> look) throws IOException {
        best();
        return database.read(c -> {
            ChainState chain = ChainState.read(c);
            return look.at(new StateView(c, chain, chain.lastBlock()));
        });
    }

    /**
     * Takes a signed extrinsic into the open block and runs its call.
     *
     * @return the number of that block; absent when an earlier extrinsic of the account has to come first
     * @throws InvalidExtrinsicException when it may not come into a block
     */
    public Optional<Long> submit(byte[] bytes) throws IOException, InvalidExtrinsicException {
        SignedExtrinsic extrinsic = Extrinsics.read(bytes);
        return database.write(c -> {
            Execution x = open(c);
            return Extrinsics.include(x, extrinsic, MAX_EXTRINSICS) ? Optional.of(x.block()) : Optional.empty();
        });
    }

    /**
     * Runs a call in the open block for somebody who is trusted: it needs no signature and costs nothing.
     *
     * @param account in whose name
     * @param call {@code Choice(pallet, Choice(call, fields))}, made of the state it will meet
     * @return the number of that block
     * @throws DispatchException when the runtime refuses; nothing is written then
     */
    public long call(byte[] account, Look<Value> call) throws IOException, DispatchException {
        return database.<Long, DispatchException>write(c -> {
            Execution x = open(c);
            Dispatch.run(x, Optional.of(account), call.at(x));
            return x.block();
        });
    }

    /**
     * Gives a hotkey the lowest free slot, free of charge. One that has a slot keeps it, and its stake.
     *
     * @param stake in TAO, 0 or more
     * @return the uid
     * @throws RemoteCallException not retryable when all slots are taken
     */
    public int register(byte[] hotkey, byte[] coldkey, double stake) throws IOException {
        return database.write(c -> {
            Execution x = open(c);
            Subnet subnet = new Subnet(x);
            OptionalInt present = subnet.uid(hotkey);
            if (present.isPresent()) {
                return present.getAsInt();
            }
            int uid = 0;
            while (uid < subnet.size() && subnet.hotkey(uid).isPresent()) {
                uid++;
            }
            long max = x.number("SubtensorModule.MaxAllowedUids", subnet.netuid());
            if (uid >= max) {
                throw new RemoteCallException("local chain: all " + max + " slots are taken", false);
            }
            Subnet.register(x, uid, hotkey, coldkey);
            Subnet.stake(x, coldkey, hotkey, Subnet.rao(stake) - subnet.stake(hotkey));
            if (Accounts.free(x, coldkey) == 0) {
                Accounts.deposit(x, coldkey, WELCOME);
            }
            return uid;
        });
    }

    /**
     * Gives TAO that nobody had before.
     *
     * @param coldkey gets it to spend, and owns the stake
     * @param tao to spend, 0 or more
     * @param hotkey gets the stake, registered or not
     * @param stake in TAO, 0 or more
     */
    public void fund(byte[] coldkey, double tao, byte[] hotkey, double stake) throws IOException {
        database.<Void, RuntimeException>write(c -> {
            Execution x = open(c);
            Accounts.deposit(x, coldkey, Subnet.rao(tao));
            Subnet.stake(x, coldkey, hotkey, Subnet.rao(stake));
            return null;
        });
    }

    /** The stake behind a hotkey, in rao. */
    public long stake(byte[] hotkey) throws IOException {
        return lookNow(state -> new Subnet(state).stake(hotkey));
    }

    /** How many extrinsics an account has had included. */
    public long nonce(byte[] account) throws IOException {
        return lookNow(state -> Accounts.nonce(state, account));
    }

    /** What a coldkey has to spend, in rao. */
    public long balance(byte[] coldkey) throws IOException {
        return lookNow(state -> Accounts.free(state, coldkey));
    }

    /**
     * Takes a hotkey off the subnet, as the genuine chain does when it prunes; its slot is free for another. Its
     * commitment stays readable, as there.
     *
     * @return whether it was registered
     */
    public boolean deregister(byte[] hotkey) throws IOException {
        return database.write(c -> {
            Execution x = open(c);
            OptionalInt uid = new Subnet(x).uid(hotkey);
            if (uid.isPresent()) {
                Subnet.release(x, uid.getAsInt(), hotkey);
            }
            return uid.isPresent();
        });
    }

    /** The commitment of a hotkey: the text of its first field. */
    public static Optional<Commitment> commitment(StateView state, byte[] hotkey) throws SQLException, IOException {
        Optional<Value> found = state.find("Commitments.CommitmentOf", Value.of(state.netuid()), Value.of(hotkey));
        if (found.isEmpty() || found.get().field("info").field("fields").items().isEmpty()) {
            return Optional.empty();
        }
        Value.Choice data = found.get().field("info").field("fields").at(0).choice();
        boolean raw = data.name().startsWith("Raw") || data.name().equals("BigRaw");
        return raw
                ? Optional.of(new Commitment(
                        new String(data.at(0).bytes(), StandardCharsets.UTF_8),
                        found.get().field("block").natural()))
                : Optional.empty();
    }

    /** Every commitment of the subnet by its hotkey's address. */
    public static Map<String, Commitment> commitments(StateView state) throws SQLException, IOException {
        Map<String, Commitment> commitments = new HashMap<>();
        StorageItem item = Runtime.embedded().item("Commitments.CommitmentOf");
        byte[] prefix = item.key(Value.of(state.netuid()));
        for (byte[] key : state.keys(prefix, Optional.empty(), Integer.MAX_VALUE)) {
            byte[] hotkey = item.keysOf(key).get(1).bytes();
            Optional<Commitment> commitment = commitment(state, hotkey);
            if (commitment.isPresent()) {
                commitments.put(Ss58.encode(hotkey), commitment.get());
            }
        }
        return commitments;
    }

    /** The slots of the subnet, in order, at a block. */
    public static List<Slot> slots(StateView state) throws SQLException, IOException {
        Subnet subnet = new Subnet(state);
        List<BigInteger> incentive = subnet.numbers("Incentive");
        List<BigInteger> lastUpdate = subnet.numbers("LastUpdate");
        List<Boolean> permit = subnet.flags("ValidatorPermit");
        List<Slot> slots = new ArrayList<>();
        for (int uid = 0; uid < subnet.size(); uid++) {
            Optional<byte[]> hotkey = subnet.hotkey(uid);
            if (hotkey.isPresent()) {
                slots.add(new Slot(
                        uid,
                        hotkey.get(),
                        subnet.coldkey(hotkey.get()),
                        subnet.stake(hotkey.get()),
                        incentive.get(uid).intValue(),
                        permit.get(uid),
                        lastUpdate.get(uid).longValue()));
            }
        }
        return slots;
    }

    /**
     * A slot that is taken.
     *
     * @param stake in rao
     * @param incentive 65,535 is all
     * @param lastUpdate block of its last weights, 0 when never
     */
    public record Slot(
            int uid, byte[] hotkey, byte[] coldkey, long stake, int incentive, boolean permit, long lastUpdate) {
        @Override
        public String toString() {
            return "slot " + uid + " of 0x" + HexFormat.of().formatHex(hotkey);
        }
    }

    /** The latest weights that were set, as they were sent, newest first, whoever set them. */
    public List<WeightSubmission> submissions(int limit) throws IOException {
        return database.read(c -> SubmissionTable.latest(c, limit));
    }

    /** The latest results of epochs, newest first. */
    public List<EpochResult> epochs(int limit) throws IOException {
        best();
        return database.read(c -> Epochs.latest(c, limit));
    }

    @Override
    public void close() throws RemoteCallException {
        database.close();
    }

    /** The open block, after all blocks before it are made. */
    private Execution open(Connection c) throws SQLException, IOException {
        ChainState chain = ChainState.read(c);
        long target = chain.block(clock.instant());
        Block last = Blocks.last(c);
        long first = last.number();
        for (long next = last.number() + 1; next < target; ) {
            last = Blocks.seal(c, next, last, time(chain, next, last));
            long opened = Math.max(next + 1, target - HISTORY_BLOCKS);
            runEpochs(new Execution(c, chain, opened), next + 1);
            next = opened;
        }
        if (target != chain.lastBlock()) {
            ChainState.save(c, target, chain.offset());
        }
        if (first / FORGET_INTERVAL != last.number() / FORGET_INTERVAL) {
            Blocks.forget(c, last.number() - HISTORY_BLOCKS);
        }
        return new Execution(c, chain, target);
    }

    /** Runs the epochs from a block to the one that is opened, as one where there are several. */
    private static void runEpochs(Execution x, long from) throws SQLException, IOException {
        long tempo = x.number("SubtensorModule.Tempo", Value.of(x.netuid()));
        long firstEpoch = tempo == 0 ? Long.MAX_VALUE : Math.ceilDiv(from, tempo) * tempo;
        if (firstEpoch <= x.block()) {
            Epochs.run(x, firstEpoch, x.block() - x.block() % tempo);
        }
    }

    /** When a block began by the clock; after blocks that were added by hand, at least later than the one before. */
    private static Instant time(ChainState chain, long number, Block before) {
        Instant byClock = chain.begin(number);
        Instant earliest = before.time().plusMillis(1);
        return byClock.isBefore(earliest) ? earliest : byClock;
    }
}
