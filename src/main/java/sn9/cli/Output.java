package sn9.cli;

import java.io.PrintWriter;
import java.util.Map;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import sn9.metrics.FiniteJson;

/**
 * Where a command's answer goes (DESIGN 8). Without {@code --json} text goes to standard output; with it, standard output
 * gets one JSON object per {@link #json} call and text goes to standard error.
 */
public final class Output {
    private final PrintWriter out;
    private final PrintWriter text;
    private final boolean json;

    private Output(PrintWriter out, PrintWriter err, boolean json) {
        this.out = out;
        this.text = json ? err : out;
        this.json = json;
    }

    /** The streams of a command, and whether a program reads its answer. */
    public static Output of(CommandSpec spec, JsonOption option) {
        var line = spec.commandLine();
        return new Output(line.getOut(), line.getErr(), option.json());
    }

    /** Whether the answer is JSON. */
    public boolean isJson() {
        return json;
    }

    /** Prints a line for people, or several, as {@link Plain#lines} does. */
    public void text(String line) {
        print(Plain.lines(line));
    }

    /** Prints a table for people, coloured on a terminal. */
    public void table(Table table) {
        print(table.render(Ansi.AUTO));
    }

    private void print(String lines) {
        text.println(lines);
        text.flush();
    }

    /** Prints the answer for programs as one line; does nothing without {@code --json}. */
    public void json(Map<String, ?> object) {
        if (json) {
            out.println(FiniteJson.line(object));
            out.flush();
        }
    }
}
