package sn9.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.hub.LocalHub;

/** {@code localnet create}: a new network with a genesis now. */
@Command(name = "create", description = "Make a local network in a folder; its chain starts at block 1.")
final class LocalnetCreateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetDirOption localnet;

    @Option(
            names = "--netuid",
            paramLabel = "N",
            defaultValue = "9",
            description = "The subnet it serves. Default: ${DEFAULT-VALUE}")
    private int netuid;

    @Option(
            names = "--block_seconds",
            paramLabel = "SECONDS",
            defaultValue = "12",
            description = "Seconds per block. Default: ${DEFAULT-VALUE}")
    private double blockSeconds;

    @Option(
            names = "--tempo",
            paramLabel = "BLOCKS",
            defaultValue = "360",
            description = "Blocks between epochs, in which weights become incentive. Default: ${DEFAULT-VALUE}")
    private long tempo;

    @Option(
            names = "--weights_interval",
            paramLabel = "BLOCKS",
            defaultValue = "0",
            description = "Blocks a validator waits between weights, 0 for no wait. Default: ${DEFAULT-VALUE}")
    private long weightsInterval;

    @Option(
            names = "--max_uids",
            paramLabel = "N",
            defaultValue = "256",
            description = "Slots of the subnet. Default: ${DEFAULT-VALUE}")
    private int maxUids;

    @Option(
            names = "--commit_reveal",
            fallbackValue = "true",
            description = "Weights are committed by their hash first, and revealed an epoch later.")
    private boolean commitReveal;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        var parameters = parameters();
        if (Files.exists(EmbeddedChain.file(localnet.directory()))) {
            throw new FileAlreadyExistsException(
                    EmbeddedChain.file(localnet.directory()).toString());
        }
        EmbeddedChain.createIfAbsent(EmbeddedChain.file(localnet.directory()), parameters, Instant.now());
        try (var chain = localnet.open()) {
            LocalHub.open(localnet.directory());
            var answer = new LinkedHashMap<String, Object>();
            answer.put("localnet_dir", localnet.directory().toString());
            answer.putAll(describe(chain.parameters()));
            answer.put("block", chain.best().number());
            var output = Output.of(spec, json);
            output.text("made a local network in " + localnet.directory() + ": subnet " + netuid + ", a block each "
                    + blockSeconds + " s, an epoch each " + tempo + " blocks");
            output.json(answer);
        }
        return ExitCode.DONE;
    }

    private LocalChainParameters parameters() {
        var blockTime = Duration.ofMillis(Math.round(blockSeconds * 1000));
        return Usage.checked(
                spec, () -> new LocalChainParameters(netuid, blockTime, tempo, weightsInterval, maxUids, commitReveal));
    }

    /** A chain's parameters under the names of the flags above. */
    static Map<String, Object> describe(LocalChainParameters parameters) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("netuid", parameters.netuid());
        fields.put("block_seconds", parameters.blockTime().toMillis() / 1000.0);
        fields.put("tempo", parameters.tempo());
        fields.put("weights_interval", parameters.weightsInterval());
        fields.put("max_uids", parameters.maxUids());
        fields.put("commit_reveal", parameters.commitReveal());
        return fields;
    }
}
