package sn9.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code weights}: what validators think of miners. */
@Command(name = "weights", description = "Show which weights stand on the chain, who set them, and the incentive.")
final class WeightsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetOption localnet;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        ChainWeights weights;
        try (var subnet = SubnetView.open(spec, localnet.directory(), subtensor)) {
            weights = ChainWeights.read(subnet.reader());
        }
        var answer = new LinkedHashMap<String, Object>();
        answer.put("netuid", weights.metagraph().netuid());
        answer.put("block", weights.metagraph().block());
        answer.put("weights", weights.rows());
        answer.put("incentives", weights.incentives());
        var output = Output.of(spec, json);
        output.table(weights.table());
        output.json(answer);
        return ExitCode.DONE;
    }
}
