package sn9.validator;

import java.nio.file.Path;

/** The process that {@link ValidatorStateCrashTest} kills: saves one step after the other and says so, for ever. */
final class ValidatorStateWriter {
    private ValidatorStateWriter() {}

    public static void main(String[] args) throws Exception {
        try (var state = ValidatorState.open(Path.of(args[0]), 9)) {
            for (long step = state.nextStep(); ; step++) {
                state.save(StepFixture.step(step));
                System.out.println(step);
            }
        }
    }
}
