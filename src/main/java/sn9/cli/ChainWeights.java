package sn9.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import sn9.RemoteCallException;
import sn9.localnet.LocalChain;
import sn9.localnet.chain.EpochResult;
import sn9.localnet.chain.WeightSubmission;
import sn9.subnet.Metagraph;
import sn9.subnet.Neuron;

/**
 * The weights that stand on a local chain, and what the latest epoch made of them.
 *
 * @param metagraph who is registered, at the block of the look
 * @param submissions the latest weights of each validator that has set any, in order of uid
 * @param epoch the latest epoch, if one has come
 */
record ChainWeights(Metagraph metagraph, List<WeightSubmission> submissions, Optional<EpochResult> epoch) {
    static ChainWeights read(LocalChain chain) throws RemoteCallException {
        var metagraph = chain.metagraph();
        var submissions = new ArrayList<WeightSubmission>();
        for (var neuron : metagraph.neurons()) {
            chain.weights(neuron.uid()).ifPresent(submissions::add);
        }
        return new ChainWeights(metagraph, submissions, chain.epochs(1).stream().findFirst());
    }

    /** One object per validator: who, at which block, and the u16 values by uid. */
    List<Map<String, ?>> rows() {
        var rows = new ArrayList<Map<String, ?>>();
        for (var submission : submissions) {
            var row = new LinkedHashMap<String, Object>();
            row.put("validator_uid", submission.uid());
            row.put("hotkey", submission.hotkey());
            row.put("block", submission.block());
            row.put("version_key", submission.versionKey());
            row.put("weights", submission.weights());
            rows.add(row);
        }
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
        for (var submission : submissions) {
            submission.weights().forEach((uid, value) -> {
                var neuron = metagraph.find(uid);
                table.row(
                        submission.uid(),
                        submission.block(),
                        uid,
                        value,
                        neuron.map(n -> String.format(Locale.ROOT, "%.4f", n.incentive()))
                                .orElse(null),
                        neuron.map(Neuron::hotkey).orElse(null));
            });
        }
        return table;
    }

    /** An epoch's blocks and incentives by uid. */
    static Map<String, ?> describe(EpochResult epoch) {
        var row = new LinkedHashMap<String, Object>();
        row.put("first_block", epoch.firstBlock());
        row.put("last_block", epoch.lastBlock());
        row.put("incentives", epoch.incentives());
        return row;
    }
}
