package sn9.subnet;

import java.util.regex.Pattern;

/**
 * The name of a repository on the Hub: {@code namespace/name}, 4 to 41 characters in all (spec B.2; 41 is what a
 * commitment of 128 bytes leaves). Both parts keep to the Hub's alphabet, so they are safe as folder names and never
 * hold the colon that separates a commitment's fields.
 *
 * @param namespace user or organisation
 * @param name the repository of that namespace
 */
public record RepoId(String namespace, String name) {
    /** Fewest characters of {@code namespace/name}. */
    public static final int MIN_LENGTH = 4;

    /** Most characters of {@code namespace/name}: 128 - 40 (commit) - 44 (hash) - 3 (colons). */
    public static final int MAX_LENGTH = 41;

    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?");

    /** Checks both parts; throws {@link IllegalArgumentException} that names the rule broken. */
    public RepoId {
        int length = namespace.length() + 1 + name.length();
        if (length < MIN_LENGTH || length > MAX_LENGTH) {
            throw new IllegalArgumentException("repository id " + namespace + "/" + name + " has " + length
                    + " characters, expected " + MIN_LENGTH + " to " + MAX_LENGTH);
        }
        checkPart("namespace", namespace);
        checkPart("name", name);
    }

    /** Reads {@code namespace/name}; throws {@link IllegalArgumentException} that names the rule broken. */
    public static RepoId parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || slash != text.lastIndexOf('/')) {
            throw new IllegalArgumentException(
                    "repository id \"" + text + "\" must hold exactly one slash: namespace/name");
        }
        return new RepoId(text.substring(0, slash), text.substring(slash + 1));
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }

    private static void checkPart(String what, String part) {
        if (!PART.matcher(part).matches() || part.contains("--") || part.contains("..")) {
            throw new IllegalArgumentException("repository " + what + " \"" + part
                    + "\" must be ASCII letters, digits, _ . or -, begin and end with a letter, digit or _,"
                    + " and hold neither -- nor ..");
        }
    }
}
