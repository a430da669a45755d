package sn9;

/**
 * A token, password or mnemonic. It prints as {@code ***}, so that no log line, message or configuration dump can carry
 * it; only {@link #reveal} gives it away.
 */
public final class Secret {
    /** What stands in place of a secret wherever text is printed. */
    public static final String MASK = "***";

    private final String value;

    /** Wraps a secret; blanks and line ends around it are dropped. */
    public Secret(String value) {
        this.value = value.strip();
    }

    /** The secret itself, for the one call that sends or derives from it. */
    public String reveal() {
        return value;
    }

    /** The text with every occurrence of this secret replaced by {@value #MASK}. */
    public String redact(String text) {
        return value.isEmpty() ? text : text.replace(value, MASK);
    }

    @Override
    public String toString() {
        return MASK;
    }
}
