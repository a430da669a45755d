package sn9.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import sn9.RemoteCallException;
import sn9.chain.SubnetReader;
import sn9.subnet.Metagraph;
import sn9.subnet.Neuron;

/**
 * The weights that stand on a chain, and the incentive that they have led to.
 *
 * @param metagraph who is registered, at the block of the look
 * @param standing u16 values by uid, of each validator's uid
 */
record ChainWeights(Metagraph metagraph, Map<Integer, Map<Integer, Integer>> standing) {
    static ChainWeights read(SubnetReader subnet) throws RemoteCallException, InterruptedException {
        return new ChainWeights(subnet.metagraph(), subnet.weights());
    }

    /** The block at which a validator last set weights; null when its slot is free again. */
    Long setAt(int validatorUid) {
        return metagraph.find(validatorUid).map(Neuron::lastUpdate).orElse(null);
    }

    /** One object per validator: who, at which block, and the u16 values by uid. */
    List<Map<String, ?>> rows() {
        var rows = new ArrayList<Map<String, ?>>();
        standing.forEach((uid, weights) -> {
            var row = new LinkedHashMap<String, Object>();
            row.put("validator_uid", uid);
            row.put("hotkey", metagraph.find(uid).map(Neuron::hotkey).orElse(null));
            row.put("block", setAt(uid));
            row.put("weights", weights);
            rows.add(row);
        });
        return rows;
    }

    /** Incentive by uid, of every registered neuron. */
    Map<Integer, Double> incentives() {
        var incentives = new TreeMap<Integer, Double>();
        metagraph.neurons().forEach(neuron -> incentives.put(neuron.uid(), neuron.incentive()));
        return incentives;
    }

    /** One line per weight: who gave it to whom, with the incentive it has led to. */
    Table table() {
        var table = new Table(
                "Weights on chain at block " + metagraph.block(),
                "validator",
                "set at",
                "uid",
                "weight (u16)",
                "incentive",
                "hotkey");
        standing.forEach((validator, weights) -> weights.forEach((uid, value) -> {
            var neuron = metagraph.find(uid);
            table.row(
                    validator,
                    setAt(validator),
                    uid,
                    value,
                    neuron.map(n -> String.format(Locale.ROOT, "%.4f", n.incentive()))
                            .orElse(null),
                    neuron.map(Neuron::hotkey).orElse(null));
        }));
        return table;
    }
}
