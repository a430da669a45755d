package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import sn9.chain.scale.Value;

/** The subnet's slots in the runtime's storage: who holds which, with what stake. Stakes are in rao. */
final class Subnet {
    /** A slot that nobody holds. */
    private static final byte[] NOBODY = new byte[32];

    /** Items with one number for every slot. */
    private static final Set<String> NUMBERS = Set.of(
            "Rank",
            "Trust",
            "Consensus",
            "Incentive",
            "Dividends",
            "Emission",
            "LastUpdate",
            "ValidatorTrust",
            "PruningScores");

    /** Items with one truth value for every slot. */
    private static final Set<String> FLAGS = Set.of("Active", "ValidatorPermit");

    private final StateView state;
    private final Value netuid;

    Subnet(StateView state) {
        this.state = state;
        this.netuid = Value.of(state.netuid());
    }

    /** The subnet's number, as storage keys and calls have it. */
    Value netuid() {
        return netuid;
    }

    /** Slots from 0 to this are in use; one in between may be free. */
    int size() throws SQLException, IOException {
        return (int) state.number("SubtensorModule.SubnetworkN", netuid);
    }

    /** Who holds a slot. */
    Optional<byte[]> hotkey(int uid) throws SQLException, IOException {
        byte[] hotkey = state.get("SubtensorModule.Keys", netuid, Value.of(uid)).bytes();
        return Arrays.equals(hotkey, NOBODY) ? Optional.empty() : Optional.of(hotkey);
    }

    /** Which slot a hotkey holds. */
    OptionalInt uid(byte[] hotkey) throws SQLException, IOException {
        Optional<Value> uid = state.find("SubtensorModule.Uids", netuid, Value.of(hotkey));
        return uid.isPresent() ? OptionalInt.of((int) uid.get().natural()) : OptionalInt.empty();
    }

    /** The owner of a hotkey, all zeros when it has none. */
    byte[] coldkey(byte[] hotkey) throws SQLException, IOException {
        return state.get("SubtensorModule.Owner", Value.of(hotkey)).bytes();
    }

    /** Whether anybody owns a hotkey. */
    boolean hasOwner(byte[] hotkey) throws SQLException, IOException {
        return !Arrays.equals(coldkey(hotkey), NOBODY);
    }

    /** Stake behind a hotkey. */
    long stake(byte[] hotkey) throws SQLException, IOException {
        return state.number("SubtensorModule.TotalHotkeyAlpha", Value.of(hotkey), netuid);
    }

    /** The numbers of an item with one for each slot ({@code Incentive}); shorter lists end in zeros. */
    List<BigInteger> numbers(String item) throws SQLException, IOException {
        List<BigInteger> numbers = new ArrayList<>(state.numbers("SubtensorModule." + item, netuid));
        while (numbers.size() < size()) {
            numbers.add(BigInteger.ZERO);
        }
        return numbers;
    }

    /** The truth values of an item with one for each slot. */
    List<Boolean> flags(String item) throws SQLException, IOException {
        List<Boolean> flags = new ArrayList<>();
        for (Value value : state.get("SubtensorModule." + item, netuid).items()) {
            flags.add(value.truth());
        }
        while (flags.size() < size()) {
            flags.add(false);
        }
        return flags;
    }

    /** Sets one slot's number of an item. */
    static void number(Execution x, String item, int uid, long number) throws SQLException, IOException {
        List<BigInteger> numbers = new Subnet(x).numbers(item);
        while (numbers.size() <= uid) {
            numbers.add(BigInteger.ZERO);
        }
        numbers.set(uid, BigInteger.valueOf(number));
        put(x, item, numbers.stream().map(Value::of).toList());
    }

    /** Sets one slot's truth value of an item. */
    static void flag(Execution x, String item, int uid, boolean flag) throws SQLException, IOException {
        List<Boolean> flags = new Subnet(x).flags(item);
        while (flags.size() <= uid) {
            flags.add(false);
        }
        flags.set(uid, flag);
        put(x, item, flags.stream().map(Value::of).toList());
    }

    /** Sets an item's values of all slots. */
    static void put(Execution x, String item, List<Value> values) throws SQLException {
        x.put("SubtensorModule." + item, new Value.Items(values), Value.of(x.netuid()));
    }

    /** Gives a free slot to a hotkey, which belongs to the coldkey from then on. */
    static void register(Execution x, int uid, byte[] hotkey, byte[] coldkey) throws SQLException, IOException {
        Subnet subnet = new Subnet(x);
        Value slot = Value.of(uid);
        Value key = Value.of(hotkey);
        x.put("SubtensorModule.Keys", key, subnet.netuid, slot);
        x.put("SubtensorModule.Uids", slot, subnet.netuid, key);
        x.put("SubtensorModule.IsNetworkMember", Value.of(true), key, subnet.netuid);
        x.put("SubtensorModule.BlockAtRegistration", Value.of(x.block()), subnet.netuid, slot);
        x.put("SubtensorModule.Owner", Value.of(coldkey), key);
        List<Value> owned = new ArrayList<>(
                x.get("SubtensorModule.OwnedHotkeys", Value.of(coldkey)).items());
        if (!owned.contains(key)) {
            owned.add(key);
            x.put("SubtensorModule.OwnedHotkeys", new Value.Items(owned), Value.of(coldkey));
        }
        if (uid >= subnet.size()) {
            x.put("SubtensorModule.SubnetworkN", Value.of(uid + 1), subnet.netuid);
        }
        clear(x, uid);
        flag(x, "Active", uid, true);
        flag(x, "ValidatorPermit", uid, subnet.stake(hotkey) > 0);
        x.emit("SubtensorModule", "NeuronRegistered", subnet.netuid, slot, key);
    }

    /** Takes a slot from its holder. Commitments and stake stay, as on the genuine chain. */
    static void release(Execution x, int uid, byte[] hotkey) throws SQLException, IOException {
        Subnet subnet = new Subnet(x);
        x.remove("SubtensorModule.Keys", subnet.netuid, Value.of(uid));
        x.remove("SubtensorModule.Uids", subnet.netuid, Value.of(hotkey));
        x.remove("SubtensorModule.IsNetworkMember", Value.of(hotkey), subnet.netuid);
        x.remove("SubtensorModule.BlockAtRegistration", subnet.netuid, Value.of(uid));
        x.remove("SubtensorModule.Axons", subnet.netuid, Value.of(hotkey));
        x.remove("SubtensorModule.WeightCommits", subnet.netuid, Value.of(hotkey));
        clear(x, uid);
    }

    /** Nothing of a former holder is left to the next. */
    private static void clear(Execution x, int uid) throws SQLException, IOException {
        for (String item : NUMBERS) {
            number(x, item, uid, 0);
        }
        for (String item : FLAGS) {
            flag(x, item, uid, false);
        }
        x.remove("SubtensorModule.Weights", Value.of(x.netuid()), Value.of(uid));
        x.remove("SubtensorModule.Bonds", Value.of(x.netuid()), Value.of(uid));
    }

    /** Adds to a hotkey's stake, in a coldkey's name; {@code rao} may be negative. A stake alone gives the permit. */
    static void stake(Execution x, byte[] coldkey, byte[] hotkey, long rao) throws SQLException, IOException {
        Value netuid = Value.of(x.netuid());
        Value key = Value.of(hotkey);
        x.add("SubtensorModule.TotalHotkeyAlpha", rao, key, netuid);
        x.add("SubtensorModule.TotalStake", rao);
        BigInteger shares = BigInteger.valueOf(rao).shiftLeft(64); // U64F64
        x.update("SubtensorModule.TotalHotkeyShares", bits -> plus(bits, shares), key, netuid);
        x.update("SubtensorModule.Alpha", bits -> plus(bits, shares), key, Value.of(coldkey), netuid);
        Subnet subnet = new Subnet(x);
        OptionalInt uid = subnet.uid(hotkey);
        if (uid.isPresent()) {
            flag(x, "ValidatorPermit", uid.getAsInt(), subnet.stake(hotkey) > 0);
        }
    }

    /** A coldkey's part of a hotkey's stake. */
    long share(byte[] hotkey, byte[] coldkey) throws SQLException, IOException {
        Value alpha = state.get("SubtensorModule.Alpha", Value.of(hotkey), Value.of(coldkey), netuid);
        return alpha.field("bits").integer().shiftRight(64).longValueExact();
    }

    /** An amount of TAO in rao. */
    static long rao(double tao) {
        return BigDecimal.valueOf(tao)
                .movePointRight(9)
                .setScale(0, RoundingMode.HALF_EVEN)
                .longValueExact();
    }

    private static Value plus(Value fixed, BigInteger bits) {
        BigInteger present = ((Value.Int) ((Value.Struct) fixed).fields().get("bits")).value();
        return Value.struct("bits", Value.of(present.add(bits)));
    }
}
