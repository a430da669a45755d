package sn9.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.localnet.LocalIdentity;

/** {@code register}: a slot on the subnet for a hotkey. */
@Command(
        name = "register",
        description = "Give a hotkey a slot on a local network's subnet. One that has a slot keeps it, and its stake.")
final class RegisterCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetDirOption localnet;

    @Mixin
    private WalletOptions wallet;

    @Option(
            names = "--stake",
            paramLabel = "TAO",
            defaultValue = "0",
            description = "Stake of a new slot; above 0 it may set weights. Default: ${DEFAULT-VALUE}")
    private double stake;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        if (!(stake >= 0) || Double.isInfinite(stake)) {
            throw Usage.error(spec, "--stake is " + stake + ", expected a finite number, 0 or more");
        }
        var who = Usage.checked(spec, () -> LocalIdentity.of(wallet.name(), wallet.hotkey()));
        try (var chain = localnet.observe()) {
            int uid = chain.register(who, stake);
            var neuron = chain.metagraph().find(uid).orElseThrow();
            var answer = new LinkedHashMap<String, Object>();
            answer.put("uid", uid);
            answer.put("hotkey", who.hotkey());
            answer.put("coldkey", who.coldkey());
            answer.put("stake", neuron.stake());
            var output = Output.of(spec, json);
            output.text("uid " + uid + ": hotkey " + who.hotkey() + ", stake " + neuron.stake());
            output.json(answer);
        }
        return ExitCode.DONE;
    }
}
