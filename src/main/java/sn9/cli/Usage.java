package sn9.cli;

import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Flags that are each well formed and yet do not go together: wrong usage as well, exit code 2. */
final class Usage {
    private Usage() {}

    /** The wrong usage of a command. */
    static ParameterException error(CommandSpec spec, String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** Builds a value from flags; an {@link IllegalArgumentException} is the user's mistake. */
    static <V> V checked(CommandSpec spec, Supplier<V> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }
}
