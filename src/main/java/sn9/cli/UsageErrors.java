package sn9.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Wrong usage as two lines: what is wrong with the nearest known name, and where help is. */
final class UsageErrors implements IParameterExceptionHandler {
    @Override
    public int handleParseException(ParameterException problem, String[] args) {
        var spec = problem.getCommandLine().getCommandSpec();
        var err = problem.getCommandLine().getErr();
        err.println(spec.qualifiedName() + ": " + message(problem, spec));
        err.println("Try '" + spec.qualifiedName() + " --help'.");
        return ExitCode.USAGE;
    }

    private static String message(ParameterException problem, CommandSpec spec) {
        if (!(problem instanceof UnmatchedArgumentException unmatched)) {
            return problem.getMessage();
        }
        String word = unmatched.getUnmatched().getFirst();
        boolean flag = word.startsWith("-");
        String name = flag && word.contains("=") ? word.substring(0, word.indexOf('=')) : word;
        Collection<String> known =
                flag ? spec.optionsMap().keySet() : spec.subcommands().keySet();
        if (!flag && known.isEmpty()) {
            return "unexpected argument '" + word + "'";
        }
        return "unknown " + (flag ? "flag" : "command") + " '" + name + "'"
                + nearest(name, known).map(n -> ", did you mean '" + n + "'?").orElse("");
    }

    /** The known name with the fewest edits to the given one, cases and {@code -}, {@code _}, {@code .} being equal. */
    static Optional<String> nearest(String name, Collection<String> known) {
        Stream<String> candidates = known.stream().sorted();
        return candidates.min(Comparator.comparingInt(k -> distance(plain(name), plain(k))));
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[-_.]+", "_");
    }

    /** Levenshtein's distance: insertions, deletions and replacements of one character. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
