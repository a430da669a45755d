package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalInt;
import sn9.chain.scale.Value;

/** Calls of SubtensorModule about slots, stake and addresses (spec/chain.md 7), their checks in the genuine order. */
final class SubnetCalls {
    private SubnetCalls() {}

    static DispatchException error(String name) {
        return DispatchException.of("SubtensorModule", name);
    }

    /** Refuses a call for another subnet than the one there is. */
    static void requireSubnet(Execution x, Value arguments, String error) throws IOException, DispatchException {
        if (arguments.field("netuid").natural() != x.netuid()) {
            throw error(error);
        }
    }

    /** {@code burned_register} and {@code register}, which does the same since proof of work is ignored. */
    static void register(Execution x, byte[] coldkey, Value arguments)
            throws SQLException, IOException, DispatchException {
        byte[] hotkey = arguments.field("hotkey").bytes();
        if (arguments.field("netuid").natural() == 0) {
            throw error("RegistrationNotPermittedOnRootSubnet");
        }
        requireSubnet(x, arguments, "SubnetNotExists");
        Subnet subnet = new Subnet(x);
        if (!x.get("SubtensorModule.NetworkRegistrationAllowed", subnet.netuid())
                .truth()) {
            throw error("SubNetRegistrationDisabled");
        }
        if (subnet.uid(hotkey).isPresent()) {
            throw error("HotKeyAlreadyRegisteredInSubNet");
        }
        long burn = x.number("SubtensorModule.Burn", subnet.netuid());
        if (Accounts.free(x, coldkey) < burn) {
            throw error("NotEnoughBalanceToStake");
        }
        if (subnet.hasOwner(hotkey) && !Arrays.equals(subnet.coldkey(hotkey), coldkey)) {
            throw error("NonAssociatedColdKey");
        }
        int uid = slot(x, subnet);
        Accounts.withdraw(x, coldkey, burn);
        var former = subnet.hotkey(uid);
        if (former.isPresent()) {
            Subnet.release(x, uid, former.get());
        }
        Subnet.register(x, uid, hotkey, coldkey);
    }

    /** The lowest free slot; when all are taken, that of the least incentive among those no longer immune. */
    private static int slot(Execution x, Subnet subnet) throws SQLException, IOException, DispatchException {
        long max = x.number("SubtensorModule.MaxAllowedUids", subnet.netuid());
        int size = subnet.size();
        for (int uid = 0; uid < size; uid++) {
            if (subnet.hotkey(uid).isEmpty()) {
                return uid;
            }
        }
        if (size < max) {
            return size;
        }
        long immunity = x.number("SubtensorModule.ImmunityPeriod", subnet.netuid());
        List<BigInteger> incentive = subnet.numbers("Incentive");
        List<Boolean> permit = subnet.flags("ValidatorPermit");
        OptionalInt least = OptionalInt.empty();
        for (int uid = 0; uid < size; uid++) {
            long since = x.number("SubtensorModule.BlockAtRegistration", subnet.netuid(), Value.of(uid));
            boolean lower = least.isEmpty() || incentive.get(uid).compareTo(incentive.get(least.getAsInt())) < 0;
            if (x.block() - since >= immunity && !permit.get(uid) && lower) {
                least = OptionalInt.of(uid);
            }
        }
        return least.orElseThrow(() -> error("NoNeuronIdAvailable"));
    }

    /** {@code add_stake}: a rao becomes one of stake; there is no market here. */
    static void addStake(Execution x, byte[] coldkey, Value arguments)
            throws SQLException, IOException, DispatchException {
        byte[] hotkey = stakeable(x, arguments);
        long amount = Accounts.amount(arguments.field("amount_staked"));
        if (Accounts.free(x, coldkey) < amount) {
            throw error("NotEnoughBalanceToStake");
        }
        Accounts.withdraw(x, coldkey, amount);
        Subnet.stake(x, coldkey, hotkey, amount);
        staked(x, "StakeAdded", coldkey, hotkey, amount);
    }

    /** {@code remove_stake}. */
    static void removeStake(Execution x, byte[] coldkey, Value arguments)
            throws SQLException, IOException, DispatchException {
        byte[] hotkey = stakeable(x, arguments);
        long amount = Accounts.amount(arguments.field("amount_unstaked"));
        if (new Subnet(x).share(hotkey, coldkey) < amount) {
            throw error("NotEnoughStakeToWithdraw");
        }
        Subnet.stake(x, coldkey, hotkey, -amount);
        Accounts.deposit(x, coldkey, amount);
        staked(x, "StakeRemoved", coldkey, hotkey, amount);
    }

    private static byte[] stakeable(Execution x, Value arguments) throws SQLException, IOException, DispatchException {
        requireSubnet(x, arguments, "SubnetNotExists");
        byte[] hotkey = arguments.field("hotkey").bytes();
        if (!new Subnet(x).hasOwner(hotkey)) {
            throw error("HotKeyAccountNotExists");
        }
        return hotkey;
    }

    private static void staked(Execution x, String event, byte[] coldkey, byte[] hotkey, long amount)
            throws SQLException {
        Value rao = Value.of(amount);
        Value netuid = Value.of(x.netuid());
        x.emit("SubtensorModule", event, Value.of(coldkey), Value.of(hotkey), rao, rao, netuid, Value.of(0));
    }

    /** {@code serve_axon}; {@link ExtrinsicChecks} has refused addresses that nobody could reach. */
    static void serveAxon(Execution x, byte[] hotkey, Value arguments)
            throws SQLException, IOException, DispatchException {
        Subnet subnet = new Subnet(x);
        requireSubnet(x, arguments, "SubnetNotExists");
        if (subnet.uid(hotkey).isEmpty()) {
            throw error("HotKeyNotRegisteredInNetwork");
        }
        var axon = new LinkedHashMap<>(((Value.Struct) arguments).fields());
        axon.remove("netuid");
        axon.putFirst("block", Value.of(x.block()));
        x.put("SubtensorModule.Axons", new Value.Struct(axon), subnet.netuid(), Value.of(hotkey));
        x.emit("SubtensorModule", "AxonServed", subnet.netuid(), Value.of(hotkey));
    }
}
