package sn9.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.engine.Engine;
import sn9.engine.Engines;

/** {@code devices}: what this machine can run on, and why not what is missing. */
@Command(name = "devices", description = "What this machine can run on, and why not what is missing.")
final class DevicesCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() {
        Output output = Output.of(spec, json);
        var found = new LinkedHashMap<String, Object>();
        try (Engine engine = Engines.open("cpu", 0)) {
            Map<String, String> p = engine.properties();
            long gibibytes = Long.parseLong(p.get("memory_bytes")) >> 30;
            output.table(new Table("Devices", "device", "instructions", "threads", "memory GiB", "oneDNN")
                    .row("cpu", p.get("isa"), p.get("threads"), gibibytes, p.get("onednn")));
            found.putAll(p);
        }
        output.text("cuda: none, " + Engines.whyNoCuda() + ".");
        output.json(Map.of(
                "devices",
                List.of(found),
                "missing",
                List.of(Map.of("device", "cuda", "reason", Engines.whyNoCuda()))));
        return ExitCode.DONE;
    }
}
