package sn9.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.chain.SubnetReader;
import sn9.subnet.Commitment;
import sn9.subnet.Neuron;

/** {@code metagraph}: who is registered, what they earn and what they have committed. */
@Command(name = "metagraph", description = "Show the subnet's neurons with their incentive and commitment.")
final class MetagraphCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private LocalnetOption localnet;

    @Mixin
    private JsonOption json;

    @Mixin
    private LoggingOptions logging;

    @Override
    public Integer call() throws IOException, InterruptedException {
        SubnetReader.Snapshot snapshot;
        try (var subnet = SubnetView.open(spec, localnet.directory(), subtensor)) {
            snapshot = subnet.reader().snapshot();
        }
        var metagraph = snapshot.metagraph();
        var commitments = snapshot.commitments();
        var table = new Table(
                "Subnet " + metagraph.netuid() + " at block " + metagraph.block(),
                "uid",
                "hotkey",
                "stake",
                "incentive",
                "permit",
                "updated",
                "block",
                "commitment");
        var rows = new ArrayList<Map<String, ?>>();
        for (Neuron neuron : metagraph.neurons()) {
            Commitment commitment = commitments.get(neuron.hotkey());
            rows.add(row(neuron, commitment));
            table.row(
                    neuron.uid(),
                    neuron.hotkey(),
                    String.format(Locale.ROOT, "%.2f", neuron.stake()),
                    String.format(Locale.ROOT, "%.4f", neuron.incentive()),
                    neuron.validatorPermit() ? "yes" : "no",
                    neuron.lastUpdate(),
                    commitment == null ? null : commitment.block(),
                    commitment == null ? null : commitment.text());
        }
        var answer = new LinkedHashMap<String, Object>();
        answer.put("netuid", metagraph.netuid());
        answer.put("block", metagraph.block());
        answer.put("neurons", rows);
        var output = Output.of(spec, json);
        output.table(table);
        output.json(answer);
        return ExitCode.DONE;
    }

    private static Map<String, ?> row(Neuron neuron, Commitment commitment) {
        var row = new LinkedHashMap<String, Object>();
        row.put("uid", neuron.uid());
        row.put("hotkey", neuron.hotkey());
        row.put("coldkey", neuron.coldkey());
        row.put("stake", neuron.stake());
        row.put("incentive", neuron.incentive());
        row.put("validator_permit", neuron.validatorPermit());
        row.put("last_update", neuron.lastUpdate());
        row.put("commitment", commitment == null ? null : committed(commitment));
        return row;
    }

    private static Map<String, ?> committed(Commitment commitment) {
        var entry = new LinkedHashMap<String, Object>();
        entry.put("block", commitment.block());
        entry.put("string", commitment.text());
        return entry;
    }
}
