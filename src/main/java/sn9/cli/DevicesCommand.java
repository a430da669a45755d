package sn9.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.engine.Engine;
import sn9.engine.EngineException;
import sn9.engine.Engines;
import sn9.tensor.ElementType;

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
        var found = new ArrayList<Map<String, Object>>();
        try (Engine engine = Engines.open("cpu", 0)) {
            Map<String, String> p = engine.properties();
            output.table(new Table("Devices", "device", "instructions", "threads", "memory GiB", "oneDNN")
                    .row("cpu", p.get("isa"), p.get("threads"), gibibytes(p), p.get("onednn")));
            found.add(described(engine));
        }
        Optional<String> missing = Engines.whyNoCuda();
        if (missing.isEmpty()) {
            try (Engine engine = Engines.open("cuda", 0)) {
                Map<String, String> p = engine.properties();
                output.text("%s: %s, %d GiB, fp32 by %s"
                        .formatted(engine.name(), p.get("name"), gibibytes(p), p.get("fp32")));
                Map<String, Object> cuda = described(engine);
                cuda.put("bf16_gemm", bf16Products());
                found.add(cuda);
            } catch (EngineException e) {
                missing = Optional.of((e.getCause() == null ? e : e.getCause()).getMessage());
            }
        }
        missing.ifPresent(reason -> output.text("cuda: none, " + reason + "."));
        var answer = new LinkedHashMap<String, Object>();
        answer.put("devices", found);
        answer.put(
                "missing",
                missing.map(reason -> List.of(Map.of("device", "cuda", "reason", reason)))
                        .orElse(List.of()));
        output.json(answer);
        return ExitCode.DONE;
    }

    /** Whose products training in bf16 is made of: ours, or cuBLASLt's and which version. */
    private static String bf16Products() {
        try (Engine engine = Engines.open("cuda", 0, ElementType.BF16)) {
            engine.trainingPass(() -> {}); // opens the library, where there is one for this device
            return engine.properties().getOrDefault("gemm", "own");
        }
    }

    private static Map<String, Object> described(Engine engine) {
        var description = new LinkedHashMap<String, Object>();
        description.put("device", engine.name());
        description.putAll(engine.properties());
        return description;
    }

    private static long gibibytes(Map<String, String> properties) {
        return Long.parseLong(properties.get("memory_bytes")) >> 30;
    }
}
