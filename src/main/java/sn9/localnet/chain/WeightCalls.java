package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;
import sn9.wallet.Ss58;

/** Calls of SubtensorModule about weights (spec/chain.md 7), their checks in the genuine order. */
final class WeightCalls {
    private static final int MAX_U16 = 65_535;

    /** Commits that a hotkey may have waiting. */
    private static final int MAX_COMMITS = 10;

    private WeightCalls() {}

    /** {@code set_weights}, where weights are set in the open. */
    static void set(Execution x, byte[] hotkey, Value arguments) throws SQLException, IOException, DispatchException {
        if (commitReveal(x)) {
            throw SubnetCalls.error("CommitRevealEnabled");
        }
        store(
                x,
                hotkey,
                arguments,
                arguments.field("dests").items(),
                arguments.field("weights").items());
    }

    /** {@code commit_weights}: a hash now, the weights {@code RevealPeriodEpochs} later. */
    static void commit(Execution x, byte[] hotkey, Value arguments)
            throws SQLException, IOException, DispatchException {
        SubnetCalls.requireSubnet(x, arguments, "MechanismDoesNotExist");
        if (!commitReveal(x)) {
            throw SubnetCalls.error("CommitRevealDisabled");
        }
        int uid = new Subnet(x).uid(hotkey).orElseThrow(() -> SubnetCalls.error("HotKeyNotRegisteredInSubNet"));
        if (tooSoon(x, uid)) {
            throw SubnetCalls.error("CommittingWeightsTooFast");
        }
        List<Value> waiting = waiting(x, hotkey);
        if (waiting.size() >= MAX_COMMITS) {
            throw SubnetCalls.error("TooManyUnrevealedCommits");
        }
        long reveal = EpochClock.index(x, x.block()) + revealPeriod(x);
        waiting.add(Value.items(
                arguments.field("commit_hash"),
                Value.of(x.block()),
                Value.of(EpochClock.firstBlock(x, reveal)),
                Value.of(EpochClock.firstBlock(x, reveal + 1) - 1)));
        x.put("SubtensorModule.WeightCommits", new Value.Items(waiting), Value.of(x.netuid()), Value.of(hotkey));
        Subnet.number(x, "LastUpdate", uid, x.block());
        emit(x, "WeightsCommitted", hotkey, arguments.field("commit_hash"));
    }

    /** {@code reveal_weights}: exactly {@code RevealPeriodEpochs} after the commit. */
    static void reveal(Execution x, byte[] hotkey, Value arguments)
            throws SQLException, IOException, DispatchException {
        SubnetCalls.requireSubnet(x, arguments, "MechanismDoesNotExist");
        if (!commitReveal(x)) {
            throw SubnetCalls.error("CommitRevealDisabled");
        }
        var key = new Value[] {Value.of(x.netuid()), Value.of(hotkey)};
        Value all = x.find("SubtensorModule.WeightCommits", key)
                .orElseThrow(() -> SubnetCalls.error("NoWeightsCommitFound"));
        Value hash = Value.of(hash(x, hotkey, arguments));
        int place = hashes(all.items()).indexOf(hash);
        List<Value> waiting = waiting(x, hotkey);
        int current = hashes(waiting).indexOf(hash);
        if (current < 0) {
            throw SubnetCalls.error(place < 0 ? "InvalidRevealCommitHashNotMatch" : "ExpiredWeightCommit");
        }
        if (dueEpoch(x, waiting.get(current)) > EpochClock.index(x, x.block())) {
            throw SubnetCalls.error("RevealTooEarly");
        }
        store(
                x,
                hotkey,
                arguments,
                arguments.field("uids").items(),
                arguments.field("values").items());
        List<Value> left = waiting.subList(current + 1, waiting.size());
        if (left.isEmpty()) {
            x.remove("SubtensorModule.WeightCommits", key);
        } else {
            x.put("SubtensorModule.WeightCommits", new Value.Items(left), key);
        }
        emit(x, "WeightsRevealed", hotkey, hash);
    }

    /** The hash that stands for weights before they are revealed. */
    static byte[] hash(StateView state, byte[] hotkey, Value arguments) throws IOException {
        var out = new ScaleWriter().bytes(hotkey).u16(state.netuid());
        for (String list : List.of("uids", "values", "salt")) {
            List<Value> items = arguments.field(list).items();
            out.compact(items.size());
            for (Value item : items) {
                out.u16((int) item.natural());
            }
        }
        out.u64(arguments.field("version_key").integer().longValue());
        return StorageHasher.blake2b(out.toBytes(), 32);
    }

    /** The checks that open and revealed weights share, and the weights themselves. */
    private static void store(Execution x, byte[] hotkey, Value arguments, List<Value> uids, List<Value> values)
            throws SQLException, IOException, DispatchException {
        Subnet subnet = new Subnet(x);
        if (uids.size() != values.size()) {
            throw SubnetCalls.error("WeightVecNotEqualSize");
        }
        SubnetCalls.requireSubnet(x, arguments, "MechanismDoesNotExist");
        if (uids.size() > subnet.size()) {
            throw SubnetCalls.error("UidsLengthExceedUidsInSubNet");
        }
        int uid = subnet.uid(hotkey).orElseThrow(() -> SubnetCalls.error("HotKeyNotRegisteredInSubNet"));
        if (subnet.stake(hotkey) < x.number("SubtensorModule.StakeThreshold")) {
            throw SubnetCalls.error("NotEnoughStakeToSetWeights");
        }
        BigInteger wanted =
                x.get("SubtensorModule.WeightsVersionKey", subnet.netuid()).integer();
        if (wanted.signum() != 0 && arguments.field("version_key").integer().compareTo(wanted) < 0) {
            throw SubnetCalls.error("IncorrectWeightVersionKey");
        }
        boolean open = !commitReveal(x);
        if (open && tooSoon(x, uid)) {
            throw SubnetCalls.error("SettingWeightsTooFast");
        }
        boolean self = uids.size() == 1 && uids.getFirst().natural() == uid;
        if (!self && !subnet.flags("ValidatorPermit").get(uid)) {
            throw SubnetCalls.error("NeuronNoValidatorPermit");
        }
        checkVector(x, subnet, uids, self);
        SortedMap<Integer, Integer> scaled = scaled(uids, values);
        long limit = x.number("SubtensorModule.MaxWeightsLimit", subnet.netuid());
        if (!self && limit < MAX_U16 && exceeds(scaled, limit)) {
            throw SubnetCalls.error("MaxWeightExceeded");
        }
        List<Value> row = new ArrayList<>();
        for (Value target : uids) {
            row.add(Value.items(target, Value.of(scaled.get((int) target.natural()))));
        }
        x.put("SubtensorModule.Weights", new Value.Items(row), subnet.netuid(), Value.of(uid));
        if (open) {
            Subnet.number(x, "LastUpdate", uid, x.block());
        }
        long version = arguments.field("version_key").integer().longValue();
        SubmissionTable.insert(
                x.connection, new WeightSubmission(uid, Ss58.encode(hotkey), x.block(), version, scaled));
        x.emit("SubtensorModule", "WeightsSet", subnet.netuid(), Value.of(uid));
    }

    private static void checkVector(Execution x, Subnet subnet, List<Value> uids, boolean self)
            throws SQLException, IOException, DispatchException {
        if (new HashSet<>(uids).size() < uids.size()) {
            throw SubnetCalls.error("DuplicateUids");
        }
        int size = subnet.size();
        for (Value target : uids) {
            if (target.natural() >= size
                    || subnet.hotkey((int) target.natural()).isEmpty()) {
                throw SubnetCalls.error("UidVecContainInvalidOne");
            }
        }
        long least = Math.min(x.number("SubtensorModule.MinAllowedWeights", subnet.netuid()), size);
        if (!self && uids.size() < least) {
            throw SubnetCalls.error("WeightVecLengthIsLow");
        }
    }

    /** Weights by uid, enlarged until the greatest is 65,535; all zeros stay. */
    private static SortedMap<Integer, Integer> scaled(List<Value> uids, List<Value> values) throws IOException {
        long max = 0;
        for (Value value : values) {
            max = Math.max(max, value.natural());
        }
        SortedMap<Integer, Integer> scaled = new TreeMap<>();
        for (int i = 0; i < uids.size(); i++) {
            long weight = max == 0 ? 0 : Math.round((double) values.get(i).natural() * MAX_U16 / max);
            scaled.put((int) uids.get(i).natural(), (int) weight);
        }
        return scaled;
    }

    /** Whether a weight is a larger part of all than the limit is of 65,535. */
    private static boolean exceeds(SortedMap<Integer, Integer> weights, long limit) {
        long sum = weights.values().stream().mapToLong(w -> w).sum();
        return weights.values().stream().anyMatch(weight -> (long) weight * MAX_U16 > limit * sum);
    }

    /** Whether the validator has to wait: never before its first weights. */
    private static boolean tooSoon(Execution x, int uid) throws SQLException, IOException {
        long last = new Subnet(x).numbers("LastUpdate").get(uid).longValue();
        return last != 0 && x.block() - last < x.number("SubtensorModule.WeightsSetRateLimit", Value.of(x.netuid()));
    }

    private static boolean commitReveal(StateView state) throws SQLException, IOException {
        return state.get("SubtensorModule.CommitRevealWeightsEnabled", Value.of(state.netuid()))
                .truth();
    }

    private static long revealPeriod(StateView state) throws SQLException, IOException {
        return state.number("SubtensorModule.RevealPeriodEpochs", Value.of(state.netuid()));
    }

    /** A hotkey's commits that can still be revealed, now or later. */
    private static List<Value> waiting(Execution x, byte[] hotkey) throws SQLException, IOException {
        var stored = x.find("SubtensorModule.WeightCommits", Value.of(x.netuid()), Value.of(hotkey));
        List<Value> waiting = new ArrayList<>();
        for (Value commit : stored.isPresent() ? stored.get().items() : List.<Value>of()) {
            if (dueEpoch(x, commit) >= EpochClock.index(x, x.block())) {
                waiting.add(commit);
            }
        }
        return waiting;
    }

    private static long dueEpoch(Execution x, Value commit) throws SQLException, IOException {
        return EpochClock.index(x, commit.at(1).natural()) + revealPeriod(x);
    }

    private static List<Value> hashes(List<Value> commits) throws IOException {
        List<Value> hashes = new ArrayList<>();
        for (Value commit : commits) {
            hashes.add(commit.at(0));
        }
        return hashes;
    }

    private static void emit(Execution x, String event, byte[] hotkey, Value hash) throws SQLException {
        x.emit("SubtensorModule", event, Value.of(hotkey), Value.of(x.netuid()), hash);
    }
}
