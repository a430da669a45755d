package sn9.cli;

import java.util.regex.Pattern;

/**
 * Text for people's eyes. It may quote strangers: what a server answers, what a neuron has committed, what a model writes.
 * Control characters, the second range (0x80 to 0x9f) included, would let them play with the terminal or begin lines that
 * look like ours (CWE-117, CWE-150); they become question marks.
 */
final class Plain {
    /** What may not stand in one line: also the format characters, which turn or hide what stands beside them. */
    static final String NOT_IN_A_LINE = "[\\p{Cc}\\p{Cf}]";

    /** What may not stand in any number of lines. */
    static final String NOT_IN_LINES = "[\\p{Cc}&&[^\\n\\t]]";

    private static final Pattern LINE = Pattern.compile(NOT_IN_A_LINE);
    private static final Pattern LINES = Pattern.compile(NOT_IN_LINES);

    private Plain() {}

    /** One line, without control and format characters. */
    static String line(String text) {
        return LINE.matcher(text).replaceAll("?");
    }

    /** Any number of lines, tabs left alone. */
    static String lines(String text) {
        return LINES.matcher(text).replaceAll("?");
    }
}
