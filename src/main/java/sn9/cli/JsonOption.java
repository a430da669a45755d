package sn9.cli;

import picocli.CommandLine.Option;

/** {@code --json}: a program reads the answer. */
public final class JsonOption {
    @Option(
            names = "--json",
            fallbackValue = "true",
            description = "Print one JSON object as the last line of standard output; all else goes to standard error.")
    private boolean json;

    /** Whether a program reads the answer. */
    public boolean json() {
        return json;
    }
}
