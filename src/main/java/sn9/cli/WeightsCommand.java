package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.localnet.LocalChain;
import sn9.subnet.Neuron;

/** {@code weights}: what validators think of miners. */
@Command(name = "weights", description = "Show which weights stand on the chain, who set them, and the incentive.")
final class WeightsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetOptions localnet;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (localnet.directory().isPresent()) {
            ofLocalNetwork(localnet.directory().get());
        } else {
            ofChain();
        }
        return ExitCode.DONE;
    }

    private void ofLocalNetwork(Path directory) throws IOException {
        try (var chain = LocalChain.observe(directory, InstantSource.system())) {
            var weights = ChainWeights.read(chain);
            var answer = new LinkedHashMap<String, Object>();
            answer.put("netuid", weights.metagraph().netuid());
            answer.put("block", weights.metagraph().block());
            answer.put("weights", weights.rows());
            answer.put("epoch", weights.epoch().map(ChainWeights::describe).orElse(null));
            answer.put("incentives", weights.incentives());
            var output = Output.of(spec, json);
            output.table(weights.table());
            output.json(answer);
        }
    }

    private void ofChain() throws IOException, InterruptedException {
        try (var reader = subtensor.reader(spec)) {
            var metagraph = reader.metagraph();
            var rows = new ArrayList<Map<String, ?>>();
            var table = new Table(
                    "Weights on chain at block " + metagraph.block(), "validator", "set at", "uid", "weight (u16)");
            for (var entry : reader.weights().entrySet()) {
                var validator = metagraph.find(entry.getKey());
                var row = new LinkedHashMap<String, Object>();
                row.put("validator_uid", entry.getKey());
                row.put("hotkey", validator.map(Neuron::hotkey).orElse(null));
                row.put("block", validator.map(Neuron::lastUpdate).orElse(null));
                row.put("weights", entry.getValue());
                rows.add(row);
                entry.getValue().forEach((uid, value) -> table.row(entry.getKey(), row.get("block"), uid, value));
            }
            var answer = new LinkedHashMap<String, Object>();
            answer.put("netuid", metagraph.netuid());
            answer.put("block", metagraph.block());
            answer.put("weights", rows);
            var output = Output.of(spec, json);
            output.table(table);
            output.json(answer);
        }
    }
}
