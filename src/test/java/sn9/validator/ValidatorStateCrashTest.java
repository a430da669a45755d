package sn9.validator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills a process that saves steps, at moments drawn by a seed, and looks at what it leaves. */
class ValidatorStateCrashTest {
    @Test
    void aKilledProcessLosesNothingItHadSaved(@TempDir Path dir) throws Exception {
        kill(dir.resolve("validator.db"), 5);
    }

    @Test
    @Tag("slow")
    void fiftyKillsLoseNothing(@TempDir Path dir) throws Exception {
        kill(dir.resolve("validator.db"), 50);
    }

    private static void kill(Path file, int times) throws Exception {
        long seed = Long.getLong("sn9.seed", System.nanoTime());
        var random = new Random(seed);
        for (int i = 0; i < times; i++) {
            String context = "kill " + i + ", -Dsn9.seed=" + seed;
            long said = killOnce(file, random, i);
            try (var state = ValidatorState.open(file, 9)) {
                long next = state.nextStep();
                assertThat(next).as(context).isGreaterThanOrEqualTo(said + 1);
                checkWhole(state, next, context);
            }
        }
    }

    /** Starts the writer, kills it at a random moment, and returns the last step it said it had saved. */
    private static long killOnce(Path file, Random random, int round) throws IOException, InterruptedException {
        var log = file.resolveSibling("writer-" + round + ".log");
        Process writer = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xshare:auto",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ValidatorStateWriter.class.getName(),
                        file.toString())
                .redirectError(log.toFile())
                .start();
        try (BufferedReader out = writer.inputReader()) {
            String first = random.nextInt(4) == 0 ? null : out.readLine(); // one in four dies while it starts
            Thread.sleep(random.nextInt(first == null ? 400 : 60));
            assertThat(writer.isAlive())
                    .as("the writer still writes; it said: %s", Files.readString(log))
                    .isTrue();
            // Killing through Process would close the pipe as well.
            writer.toHandle().destroyForcibly();
            assertThat(writer.waitFor(20, TimeUnit.SECONDS)).isTrue();
            String last = first;
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = line;
            }
            return last == null ? -1 : Long.parseLong(last);
        }
    }

    private static void checkWhole(ValidatorState state, long next, String context) throws IOException {
        if (next == 0) {
            assertThat(state.averages()).as(context).isEmpty();
            return;
        }
        for (long step : new long[] {0, next / 2, next - 1}) {
            var expected = StepFixture.step(step);
            assertThat(state.evaluations(step))
                    .as(context)
                    .usingRecursiveComparison()
                    .isEqualTo(expected.evaluations());
            assertThat(state.pages(step)).as(context).isEqualTo(expected.pages());
        }
        var last = StepFixture.step(next - 1);
        assertThat(state.averages()).as(context).isEqualTo(last.averages());
        assertThat(state.carried()).as(context).isEqualTo(last.carried());
    }
}
