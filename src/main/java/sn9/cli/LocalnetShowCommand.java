package sn9.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.EpochResult;
import sn9.localnet.chain.WeightSubmission;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;
import sn9.subnet.Commitment;
import sn9.subnet.Neuron;

/** {@code localnet show}: all that a local network's chain holds. */
@Command(name = "show", description = "Show a local network: block, parameters, keys, commitments, weights, epochs.")
final class LocalnetShowCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetDirOption localnet;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            defaultValue = "5",
            description = "Latest epochs to show, and as many submissions of weights, 0 or more."
                    + " Default: ${DEFAULT-VALUE}")
    private int epochs;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (epochs < 0) {
            throw Usage.error(spec, "--epochs is " + epochs + ", expected 0 or more");
        }
        try (var node = ChainServer.start(localnet.directory(), 0, ChainSettings.AT_ONCE);
                var subnet = SubnetView.reader(node)) {
            var snapshot = subnet.snapshot();
            var metagraph = snapshot.metagraph();
            var parameters = LocalnetCreateCommand.describe(node.chain().parameters());
            var commitments = snapshot.commitments();
            var output = Output.of(spec, json);

            var answer = new LinkedHashMap<String, Object>();
            answer.put("localnet_dir", localnet.directory().toString());
            answer.put("block", metagraph.block());
            answer.putAll(parameters);
            output.table(new Table("Local network", "block", "parameters").row(metagraph.block(), parameters));

            answer.put("neurons", neurons(metagraph.neurons(), commitments, output));
            var weights = ChainWeights.read(subnet);
            answer.put("weights", weights.rows());
            output.table(weights.table());
            answer.put("submissions", submissions(node.chain(), output));
            answer.put("epochs", epochs(node.chain(), output));
            output.json(answer);
        }
        return ExitCode.DONE;
    }

    private static List<Map<String, ?>> neurons(
            List<Neuron> neurons, Map<String, Commitment> commitments, Output output) {
        var rows = new ArrayList<Map<String, ?>>();
        var table = new Table("Neurons", "uid", "hotkey", "stake", "incentive", "committed", "commitment");
        for (var neuron : neurons) {
            var commitment = Optional.ofNullable(commitments.get(neuron.hotkey()));
            var row = new LinkedHashMap<String, Object>();
            row.put("uid", neuron.uid());
            row.put("hotkey", neuron.hotkey());
            row.put("coldkey", neuron.coldkey());
            row.put("stake", neuron.stake());
            row.put("incentive", neuron.incentive());
            row.put("validator_permit", neuron.validatorPermit());
            row.put("last_update", neuron.lastUpdate());
            row.put("commitment", commitment.map(Commitment::text).orElse(null));
            row.put("commitment_block", commitment.map(Commitment::block).orElse(null));
            rows.add(row);
            table.row(
                    neuron.uid(),
                    neuron.hotkey(),
                    neuron.stake(),
                    String.format(Locale.ROOT, "%.4f", neuron.incentive()),
                    commitment.map(Commitment::block).orElse(null),
                    commitment.map(Commitment::text).orElse(null));
        }
        output.table(table);
        return rows;
    }

    /** Weights as they were sent, which the chain's storage does not keep. */
    private List<Map<String, ?>> submissions(EmbeddedChain chain, Output output) throws IOException {
        var rows = new ArrayList<Map<String, ?>>();
        var table =
                new Table("Weights as they were set, newest first", "block", "uid", "version key", "weights by uid");
        for (WeightSubmission submission : chain.submissions(epochs)) {
            var row = new LinkedHashMap<String, Object>();
            row.put("block", submission.block());
            row.put("validator_uid", submission.uid());
            row.put("hotkey", submission.hotkey());
            row.put("version_key", submission.versionKey());
            row.put("weights", submission.weights());
            rows.add(row);
            table.row(submission.block(), submission.uid(), submission.versionKey(), submission.weights());
        }
        output.table(table);
        return rows;
    }

    private List<Map<String, ?>> epochs(EmbeddedChain chain, Output output) throws IOException {
        var rows = new ArrayList<Map<String, ?>>();
        var table = new Table("Epochs, newest first", "first block", "last block", "incentive by uid");
        for (EpochResult epoch : chain.epochs(epochs)) {
            var row = new LinkedHashMap<String, Object>();
            row.put("first_block", epoch.firstBlock());
            row.put("last_block", epoch.lastBlock());
            row.put("incentives", epoch.incentives());
            rows.add(row);
            table.row(epoch.firstBlock(), epoch.lastBlock(), epoch.incentives());
        }
        output.table(table);
        return rows;
    }
}
