package sn9.cli;

/**
 * Text for people's eyes. It may quote strangers: what a server answers, what a neuron has committed, what a model writes.
 * Control characters, the second range (0x80 to 0x9f) included, would let them play with the terminal or begin lines that
 * look like ours (CWE-117, CWE-150); they become question marks.
 */
final class Plain {
    private Plain() {}

    /** One line; without the format characters, too, that turn or hide what stands beside them. */
    static String line(String text) {
        return text.replaceAll("[\\p{Cc}\\p{Cf}]", "?");
    }

    /** Any number of lines, tabs left alone. */
    static String lines(String text) {
        return text.replaceAll("[\\p{Cc}&&[^\\n\\t]]", "?");
    }
}
