package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.metrics.MetricsSinks;
import sn9.subnet.Commitment;
import sn9.validator.Evaluation;
import sn9.validator.StepRecord;
import sn9.validator.WeightSubmission;

class ValidatorReportTest {
    private static final StepRecord STEP = new StepRecord(
            7,
            1234,
            Instant.ofEpochMilli(1_700_000_000_500L),
            List.of(3L, 1L),
            2,
            List.of(
                    new Evaluation(
                            11,
                            "a",
                            new Commitment("x", 1000),
                            new double[] {3.5, 3.25},
                            Optional.empty(),
                            2,
                            1,
                            1,
                            0.75f),
                    new Evaluation(
                            22,
                            "b",
                            new Commitment("y", 1100),
                            new double[] {Double.POSITIVE_INFINITY, Double.NaN},
                            Optional.of("loss of batch 0 is Infinity"),
                            0,
                            0,
                            0,
                            0)),
            Map.of("a", 0.75f, "c", 0.0005f),
            new TreeMap<>(Map.of(11, 0.75f, 5, 0.0005f)),
            List.of("a"),
            new TreeMap<>(Map.of(22, "loss of batch 0 is Infinity", 33, "too large")),
            Map.of("evaluate", 1.5));

    private interface Body {
        void accept(ValidatorReport report) throws Exception;
    }

    @Command(name = "probe", description = "Reports what it is told.")
    private static final class Probe implements Callable<Integer> {
        @Mixin
        private JsonOption json;

        @Spec
        private CommandSpec spec;

        private final Body body;

        private Probe(Body body) {
            this.body = body;
        }

        @Override
        public Integer call() throws Exception {
            try (var metrics = new MetricsSinks(List.of())) {
                body.accept(new ValidatorReport(Output.of(spec, json), metrics));
            }
            return ExitCode.DONE;
        }
    }

    private static CommandLineRun run(Body body, String... flags) {
        var words = new ArrayList<>(List.of("probe"));
        words.addAll(List.of(flags));
        return CommandLineRun.of(List.of(new Probe(body)), Map.of(), words.toArray(String[]::new));
    }

    @Test
    void aStepIsTheReferencesTables() {
        String out = run(report -> report.step(STEP)).out();
        assertThat(out.lines().map(line -> line.strip().replaceAll(" +", " ")))
                .containsSequence(
                        "Step 7",
                        "uid average_loss win_rate win_total weights block",
                        "11 3.3750 1.0000 2 0.7500 1000",
                        "22 NaN 0.0000 0 0.0000 1100",
                        "Weights > 0.001",
                        "uid weight",
                        "11 0.7500",
                        "Failed or rejected");
        assertThat(out).contains("too large");
    }

    @Test
    void aStepIsOneValidObjectForPrograms() throws Exception {
        var run = run(report -> report.step(STEP), "--json");
        var object = new ObjectMapper().readTree(run.out().strip());
        assertThat(object.get("step").asLong()).isEqualTo(7);
        assertThat(object.get("block").asLong()).isEqualTo(1234);
        assertThat(object.get("pages")).hasToString("[3,1]");
        assertThat(object.get("uids")).hasToString("[11,22]");
        assertThat(object.get("losses")).hasToString("[[3.5,3.25],[null,null]]");
        assertThat(object.get("losses_reason").asText()).contains("infinite", "not a number");
        assertThat(object.get("wins")).hasToString("[2,0]");
        assertThat(object.get("win_rate")).hasToString("[1.0,0.0]");
        assertThat(object.get("step_weights")).hasToString("[1.0,0.0]");
        assertThat(object.get("weights")).hasToString("[0.75,0.0]");
        assertThat(object.get("all_weights").get("11").asDouble()).isEqualTo(0.75);
        assertThat(object.get("failed").get("33").asText()).isEqualTo("too large");
        assertThat(object.get("seconds").get("evaluate").asDouble()).isEqualTo(1.5);
        assertThat(run.err()).contains("Step 7");
    }

    @Test
    void weightsAreShownAsTheyWereSent() {
        var submission = new WeightSubmission(
                Instant.EPOCH,
                8,
                1300,
                new int[] {5, 11},
                new int[] {21845, 65535},
                OptionalLong.of(1301),
                "in block 1301");
        assertThat(run(report -> report.weights(submission)).out())
                .contains("All Weights", "0.2500", "65535", "since block 1301");
        var refused = new WeightSubmission(
                Instant.EPOCH, 8, 1300, new int[] {5}, new int[] {65535}, OptionalLong.empty(), "no permit");
        assertThat(run(report -> report.weights(refused)).out()).contains("did not take these weights: no permit");
    }
}
