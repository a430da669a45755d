package sn9.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.wallet.Ss58;

/** {@code localnet deregister}: a neuron loses its slot, to rehearse what it and validators do then. */
@Command(
        name = "deregister",
        description = "Take a hotkey off a local network, as the chain does when it prunes a neuron: its slot is free"
                + " for another, its commitment stays.")
final class LocalnetDeregisterCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetDirOption localnet;

    @Option(
            names = "--hotkey",
            paramLabel = "SS58",
            required = true,
            description = "Address of the neuron's hotkey; localnet show lists them.")
    private String hotkey;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        byte[] key = Usage.checked(spec, () -> Ss58.decode(hotkey));
        try (var chain = localnet.open()) {
            if (!chain.deregister(key)) {
                throw Usage.error(spec, hotkey + " is not registered on the local network in " + localnet.directory());
            }
            chain.advance(1);
            long block = chain.best().number();
            var answer = new LinkedHashMap<String, Object>();
            answer.put("hotkey", hotkey);
            answer.put("block", block);
            var output = Output.of(spec, json);
            output.text("deregistered " + hotkey + " in block " + block);
            output.json(answer);
        }
        return ExitCode.DONE;
    }
}
