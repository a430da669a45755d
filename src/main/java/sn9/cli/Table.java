package sn9.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Help.Ansi;

/** Text in columns for a person: a bold heading, numbers to the right, the rest to the left. */
public final class Table {
    private final String title;
    private final List<String> headings;
    private final List<List<String>> rows = new ArrayList<>();

    /** An empty table. */
    public Table(String title, String... headings) {
        this.title = title;
        this.headings = List.of(headings);
    }

    /**
     * Adds a row, one text per heading; null is shown as {@code -}, text as {@link Plain#line} does.
     */
    public Table row(Object... cells) {
        if (cells.length != headings.size()) {
            throw new IllegalArgumentException(
                    "a row of table " + title + " has " + cells.length + " cells, expected " + headings.size());
        }
        var row = new ArrayList<String>();
        for (Object cell : cells) {
            row.add(cell == null ? "-" : Plain.line(cell.toString()));
        }
        rows.add(row);
        return this;
    }

    /** The table as lines, without a line end after the last. */
    public String render(Ansi ansi) {
        var lines = new ArrayList<String>();
        lines.add(bold(title, ansi));
        lines.add(bold(line(headings), ansi));
        rows.forEach(row -> lines.add(line(row)));
        return String.join(System.lineSeparator(), lines);
    }

    private String line(List<String> cells) {
        var line = new StringBuilder();
        for (int column = 0; column < cells.size(); column++) {
            String padding = " ".repeat(width(column) - cells.get(column).length());
            line.append(column == 0 ? "" : "  ");
            line.append(isNumeric(column) ? padding + cells.get(column) : cells.get(column) + padding);
        }
        return line.toString().stripTrailing();
    }

    private int width(int column) {
        return Math.max(
                headings.get(column).length(),
                rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0));
    }

    private boolean isNumeric(int column) {
        return rows.stream().allMatch(row -> row.get(column).matches("-|[-+]?[0-9][0-9.,eE+%-]*|NaN|[-+]?Infinity"));
    }

    /** Bold by escape codes rather than picocli's markup, in which an {@code @} of the text would have a meaning. */
    private static String bold(String text, Ansi ansi) {
        return ansi.enabled() ? "\u001b[1m" + text + "\u001b[22m" : text;
    }
}
