package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.RemoteCallException;
import sn9.engine.EngineException;

class MainTest {
    /** A command that ends as the test wants. */
    @Command(name = "probe", description = "Ends as it is told.")
    static final class Probe implements Callable<Integer> {
        @Mixin
        private WalletOptions wallet;

        @Mixin
        private SubtensorOptions subtensor;

        @Mixin
        private LocalnetOptions localnet;

        @Mixin
        private DeviceOptions device;

        @Mixin
        private CorpusOptions corpus;

        @Mixin
        private RuleOptions rules;

        @Mixin
        private LoggingOptions logging;

        @Mixin
        private JsonOption json;

        @Spec
        private CommandSpec spec;

        private final Callable<Map<String, ?>> body;

        Probe(Callable<Map<String, ?>> body) {
            this.body = body;
        }

        @Override
        public Integer call() throws Exception {
            var output = Output.of(spec, json);
            output.text("for people");
            output.json(body.call());
            return ExitCode.DONE;
        }
    }

    private static CommandLineRun probe(Callable<Map<String, ?>> body, Map<String, String> env, String... args) {
        var words = new String[args.length + 1];
        words[0] = "probe";
        System.arraycopy(args, 0, words, 1, args.length);
        return CommandLineRun.of(List.of(new Probe(body)), env, words);
    }

    private static CommandLineRun failing(Exception failure, String... args) {
        return probe(
                () -> {
                    throw failure;
                },
                Map.of("HF_ACCESS_TOKEN", "hf_verysecret"),
                args);
    }

    @Test
    void everyCommandExplainsItself() {
        assertThat(CommandLineRun.of("--help")).satisfies(run -> {
            assertThat(run.exitCode()).isZero();
            assertThat(run.out()).contains("Usage: sn9", "Exit codes: 0 done");
        });
        assertThat(CommandLineRun.of("--version").out()).startsWith("sn9 ");
        for (Object command : Commands.all()) {
            String name = command.getClass().getAnnotation(Command.class).name();
            var run = CommandLineRun.of(name, "--help");
            assertThat(run.exitCode()).as(name).isZero();
            assertThat(run.out()).as(name).contains("Usage: sn9 " + name);
        }
    }

    /** A start reads the options of one command only, so the names here and in the annotations must be the same. */
    @Test
    void aCommandIsFoundByItsFirstWord() {
        for (Object command : Commands.all()) {
            String name = command.getClass().getAnnotation(Command.class).name();
            assertThat(Commands.reachable(new String[] {name, "--json"}))
                    .singleElement()
                    .hasSameClassAs(command);
        }
        assertThat(Commands.reachable(new String[] {"--help"})).hasSameSizeAs(Commands.all());
        assertThat(Commands.reachable(new String[0])).hasSameSizeAs(Commands.all());
        assertThat(Commands.reachable(new String[] {"evla"})).hasSameSizeAs(Commands.all());
    }

    @Test
    void wrongUsageExitsTwoAndNamesTheNearestFlag() {
        var run = probe(Map::of, Map.of(), "--wallet.nmae", "alice");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("unknown flag '--wallet.nmae', did you mean '--wallet.name'?");
        assertThat(run.err()).contains("Try 'sn9 probe --help'");
        assertThat(probe(Map::of, Map.of(), "--block-secnods=3").err()).contains("did you mean '--block_seconds'?");
        assertThat(probe(Map::of, Map.of(), "stray").err()).contains("unexpected argument 'stray'");
        assertThat(probe(Map::of, Map.of(), "--netuid", "nine").exitCode()).isEqualTo(2);
    }

    @Test
    void unknownCommandExitsTwoAndNamesTheNearest() {
        var run = CommandLineRun.of(List.of(new Probe(Map::of)), Map.of(), "prode");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("unknown command 'prode', did you mean 'probe'?");
        assertThat(CommandLineRun.of(List.of(new Probe(Map::of)), Map.of()).exitCode())
                .isEqualTo(2);
    }

    @Test
    void failureIsOneLineAndExitsOne() {
        var run = failing(new RemoteCallException("the chain said no,\n  twice", false));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines()).contains("sn9 probe: the chain said no, | twice");
        assertThat(run.err()).doesNotContain("\tat ");
        assertThat(failing(new NoSuchFileException("x/y")).err()).contains("no such file or folder: x/y");
        assertThat(failing(new NullPointerException("thing is null")).err()).contains("internal error");
    }

    @Test
    void deviceFailureExitsThree() {
        var run = failing(new EngineException("no kernel"));
        assertThat(run.exitCode()).isEqualTo(3);
        assertThat(run.err()).contains("sn9 probe: no kernel");
    }

    @Test
    void stackTraceOnlyWithDebug() {
        assertThat(failing(new IllegalStateException("odd"), "--logging.debug").err())
                .contains("sn9 probe: odd", "\tat ");
    }

    @Test
    void secretsNeverReachAMessage() {
        var run = failing(new IllegalStateException("401 for token hf_verysecret"), "--logging.debug");
        assertThat(run.err()).contains("401 for token ***").doesNotContain("verysecret");
    }

    @Test
    void jsonIsTheLastLineAndTheOnlyOneOnStandardOutput() throws Exception {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("loss", Double.NaN);
        answer.put("losses", new double[] {1.5, Double.POSITIVE_INFINITY});
        var run = probe(() -> answer, Map.of(), "--json");
        assertThat(run.out().lines()).hasSize(1);
        var json = new ObjectMapper().readTree(run.out());
        assertThat(json.get("loss").isNull()).isTrue();
        assertThat(json.get("loss_reason").asText()).isEqualTo("not a number");
        assertThat(json.get("losses_reason").asText()).isEqualTo("[1] is infinite");
        assertThat(run.err()).contains("for people");
        assertThat(probe(() -> answer, Map.of()).out().strip()).isEqualTo("for people");
    }

    @Test
    void environmentStandsBetweenFlagAndDefault() {
        var probe = new Probe(Map::of);
        var env = Map.of("SN9_WALLET_NAME", "alice", "BT_WALLET_HOTKEY", "h1", "SN9_JSON", "true", "SN9_NETUID", "7");
        CommandLineRun.of(List.of(probe), env, "probe", "--netuid", "11", "--json");
        assertThat(probe.wallet.name()).isEqualTo("alice");
        assertThat(probe.wallet.hotkey()).isEqualTo("h1");
        assertThat(probe.subtensor.netuid()).isEqualTo(11);
        assertThat(probe.json.json()).as("set by both flag and environment").isTrue();
        assertThat(probe.device.device()).isEqualTo("auto");
        assertThat(probe.rules.rules().name()).isEqualTo("B2");
        assertThat(probe.localnet.directory()).isEmpty();
        assertThat(probe.corpus.dataset().isNamed()).isFalse();
    }

    @Test
    void effectiveConfigIsSortedAndMasksSecrets() throws Exception {
        var probe = new Probe(Map::of);
        var environment = Environment.load(
                Map.of("HF_ACCESS_TOKEN", "hf_verysecret", "SN9_CORPUS", "hf_verysecret"), Path.of("no"));
        var writer = new PrintWriter(new StringWriter());
        var line = Main.commandLine(List.of(probe), environment, new ScriptedTerminal(false), writer, writer);
        line.execute("probe");
        String text =
                EffectiveConfig.describe(line.getSubcommands().get("probe").getCommandSpec(), environment);
        assertThat(text).startsWith("command=sn9 probe --block_seconds=12").endsWith(" HF_ACCESS_TOKEN=***");
        assertThat(text).contains("--corpus=***", "--rules=B2 ").doesNotContain("verysecret");
        assertThat(text.split(" ")).filteredOn(w -> w.startsWith("--")).isSorted();
    }
}
