package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import sn9.MalformedDataException;
import sn9.subnet.ModelFacts;

/** {@code model check}: would a validator take this model? */
@Command(
        name = "check",
        description = "Judge a model directory by the subnet's rules, as a validator would; exits 1 on a rejection.")
final class ModelCheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private HashOptions hashes;

    @Mixin
    private JsonOption json;

    @Mixin
    private LoggingOptions logging;

    @Parameters(paramLabel = "DIR", description = "The model, in Hugging Face layout.")
    private Path directory;

    @Option(
            names = "--block",
            paramLabel = "N",
            description =
                    "Judge as if committed at this block, which some limits depend on. Default: after all changes.")
    private Long block;

    @Option(names = "--hash", paramLabel = "HASH", description = "Also compare with this committed hash.")
    private String committedHash;

    @Override
    public Integer call() throws IOException {
        Optional<ModelFacts> facts = Optional.empty();
        List<String> reasons;
        try {
            var found = LocalModel.facts(directory, hashes.rules(), Optional.ofNullable(committedHash));
            facts = Optional.of(found.withHash(hashes.committed(spec, found.hash())));
            reasons = hashes.rules()
                    .criteria(block == null ? Long.MAX_VALUE : block)
                    .violations(facts.get());
        } catch (MalformedDataException e) {
            reasons = List.of(e.getMessage());
        }
        report(facts, reasons);
        return reasons.isEmpty() ? ExitCode.DONE : ExitCode.FAILED;
    }

    private void report(Optional<ModelFacts> facts, List<String> reasons) {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("accepted", reasons.isEmpty());
        answer.put("reasons", reasons);
        answer.put("parameters", facts.map(ModelFacts::parameters).orElse(null));
        answer.put("bytes", facts.map(ModelFacts::repoBytes).orElse(null));
        answer.put("hash", facts.map(ModelFacts::hash).orElse(null));
        var output = Output.of(spec, json);
        String name = hashes.rules().name();
        output.text(reasons.isEmpty() ? "accepted by the rules " + name : "rejected by the rules " + name);
        reasons.forEach(reason -> output.text("  " + reason));
        facts.ifPresent(
                f -> output.text("parameters " + f.parameters() + ", bytes " + f.repoBytes() + ", hash " + f.hash()));
        output.json(answer);
    }
}
