package sn9.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import sn9.MalformedDataException;

/** One run of the command line with its exit code and what it wrote. */
record CommandLineRun(int exitCode, String out, String err) {
    /** Runs the program's own commands in an empty environment. */
    static CommandLineRun of(String... args) {
        return of(Commands.all(), Map.of(), args);
    }

    /** Runs some commands; nobody is there to be asked. */
    static CommandLineRun of(List<Object> commands, Map<String, String> variables, String... args) {
        return of(commands, variables, new ScriptedTerminal(false), args);
    }

    /** Runs some commands before a person. */
    static CommandLineRun of(List<Object> commands, Map<String, String> variables, Terminal terminal, String... args) {
        var out = new StringWriter();
        var err = new StringWriter();
        try {
            var environment = Environment.load(variables, Path.of("no-such-file.env"));
            var outWriter = new PrintWriter(out, true);
            var errWriter = new PrintWriter(err, true);
            int code = Main.commandLine(commands, environment, terminal, outWriter, errWriter)
                    .execute(args);
            return new CommandLineRun(code, out.toString(), err.toString());
        } catch (MalformedDataException e) {
            throw new AssertionError(e);
        }
    }
}
