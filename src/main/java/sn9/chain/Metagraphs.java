package sn9.chain;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;
import sn9.subnet.Metagraph;
import sn9.subnet.Neuron;
import sn9.wallet.Ss58;

/**
 * Reads a subnet's metagraph at a block: by one runtime API where the metadata tells its types (from version 15 on), out of
 * the storage otherwise (spec/chain.md 8).
 */
final class Metagraphs {
    private static final String API = "NeuronInfoRuntimeApi_get_neurons_lite";
    private static final String PALLET = "SubtensorModule";

    /** Largest value of a u16, which stands for 1. */
    private static final double ONE = 65_535;

    private static final double RAO_PER_TAO = 1e9;

    private static final int ACCOUNT_BYTES = 32;

    private Metagraphs() {}

    /**
     * Reads it.
     *
     * @throws ChainException when there is no such subnet
     */
    static Metagraph read(ChainView view, int netuid) throws RemoteCallException, InterruptedException {
        try {
            var neurons = view.hasApi(API) ? byApi(view, netuid) : byStorage(view, netuid);
            if (neurons.isEmpty() && !exists(view, netuid)) {
                throw new ChainException("there is no subnet " + netuid + " on this chain", false);
            }
            neurons.sort(Comparator.comparingInt(Neuron::uid));
            return new Metagraph(netuid, view.number(), List.copyOf(neurons));
        } catch (MalformedDataException e) {
            throw view.misunderstood("metagraph of subnet " + netuid, e);
        }
    }

    private static boolean exists(ChainView view, int netuid)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var added = view.storage(PALLET, "NetworksAdded", Value.of(netuid));
        return added.isPresent() && added.get().truth();
    }

    private static List<Neuron> byApi(ChainView view, int netuid)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var neurons = new ArrayList<Neuron>();
        for (Value row : view.api(API, Value.of(netuid)).items()) {
            BigInteger stake = BigInteger.ZERO;
            for (Value part : row.field("stake").items()) {
                stake = stake.add(part.at(1).integer());
            }
            neurons.add(new Neuron(
                    (int) row.field("uid").natural(),
                    address(row.field("hotkey")),
                    address(row.field("coldkey")),
                    stake.doubleValue() / RAO_PER_TAO,
                    row.field("incentive").natural() / ONE,
                    row.field("validator_permit").truth(),
                    row.field("last_update").natural()));
        }
        return neurons;
    }

    /** The same numbers; get_neurons_lite's stake is the hotkey's alpha on this subnet as well. */
    private static List<Neuron> byStorage(ChainView view, int netuid)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var uids = new ArrayList<Value>();
        var hotkeys = new ArrayList<Value>();
        for (var entry : view.entries(PALLET, "Keys", Value.of(netuid)).entrySet()) {
            uids.add(entry.getKey().getFirst());
            hotkeys.add(entry.getValue());
        }
        var coldkeys =
                view.storageOf(PALLET, "Owner", hotkeys.stream().map(List::of).toList());
        var stakes = view.storageOf(
                PALLET,
                "TotalHotkeyAlpha",
                hotkeys.stream()
                        .map(hotkey -> List.of(hotkey, Value.of(netuid)))
                        .toList());
        var incentives = vector(view, "Incentive", netuid);
        var permits = vector(view, "ValidatorPermit", netuid);
        var updates = vector(view, "LastUpdate", netuid);
        var neurons = new ArrayList<Neuron>();
        for (int i = 0; i < uids.size(); i++) {
            int uid = (int) uids.get(i).natural();
            neurons.add(new Neuron(
                    uid,
                    address(hotkeys.get(i)),
                    address(coldkeys.get(i).orElse(hotkeys.get(i))),
                    stakes.get(i).orElse(Value.of(0)).natural() / RAO_PER_TAO,
                    uid < incentives.size() ? incentives.get(uid).natural() / ONE : 0,
                    uid < permits.size() && permits.get(uid).truth(),
                    uid < updates.size() ? updates.get(uid).natural() : 0));
        }
        return neurons;
    }

    /** The address of an account id. */
    static String address(Value account) throws MalformedDataException {
        byte[] id = account.bytes();
        if (id.length != ACCOUNT_BYTES) {
            throw new MalformedDataException(
                    "value of the runtime", -1, "expected an account id of 32 bytes, found " + id.length);
        }
        return Ss58.encode(id);
    }

    private static List<Value> vector(ChainView view, String item, int netuid)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var vector = view.storage(PALLET, item, Value.of(netuid));
        return vector.isEmpty() ? List.of() : vector.get().items();
    }
}
