package sn9.subnet;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import sn9.MalformedDataException;

/**
 * Which model a hotkey stands for: a repository, a commit of it, and the hash of its content. Its text form is what goes
 * on chain (spec B.5): {@code namespace:name:commit:hash}, at most 128 bytes.
 *
 * @param namespace user or organisation on the Hub
 * @param name the repository of that namespace
 * @param commit 40 lower-case hexadecimal digits, or {@link #NONE}
 * @param hash {@link DirectoryHash} of the fetched files, 44 characters of base64, or {@link #NONE}
 */
public record ModelId(String namespace, String name, String commit, String hash) {
    /** What the reference writes in place of a commit or a hash it does not have. */
    public static final String NONE = "None";

    /** Longest text a commitment may hold, in bytes. */
    public static final int MAX_BYTES = 128;

    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern HASH = Pattern.compile("[A-Za-z0-9+/]{43}=");

    /** Checks all four fields; throws {@link IllegalArgumentException} that names the rule broken. */
    public ModelId {
        new RepoId(namespace, name);
        if (!commit.equals(NONE) && !COMMIT.matcher(commit).matches()) {
            throw new IllegalArgumentException(
                    "commit is \"" + commit + "\", expected 40 lower-case hexadecimal digits or " + NONE);
        }
        if (!hash.equals(NONE) && !HASH.matcher(hash).matches()) {
            throw new IllegalArgumentException("hash is \"" + hash
                    + "\", expected a SHA-256 in base64 (44 characters, the last one =) or " + NONE);
        }
    }

    /**
     * Reads a committed string. Fields after the fourth are ignored: the fifth is the competition of later releases
     * (spec C.3).
     *
     * @throws MalformedDataException when it is longer than 128 bytes, is not printable ASCII, has fewer than four fields, or
     *     a field breaks its rule
     */
    public static ModelId parse(String text) throws MalformedDataException {
        checkCharacters(text);
        String[] fields = text.split(":", -1);
        if (fields.length < 4) {
            throw new MalformedDataException(
                    "commitment \"" + text + "\"",
                    -1,
                    "expected namespace:name:commit:hash, found " + fields.length + " field"
                            + (fields.length == 1 ? "" : "s"));
        }
        try {
            return new ModelId(fields[0], fields[1], fields[2], fields[3]);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException("commitment \"" + text + "\"", -1, e.getMessage(), e);
        }
    }

    /** {@code namespace/name}. */
    public String repoId() {
        return namespace + "/" + name;
    }

    /** Whether both commit and hash are there; only then can the model be fetched and checked. */
    public boolean isComplete() {
        return !commit.equals(NONE) && !hash.equals(NONE);
    }

    /** The text for the chain: {@code namespace:name:commit:hash}, ASCII, at most 127 bytes. */
    public String toCompressedString() {
        return namespace + ":" + name + ":" + commit + ":" + hash;
    }

    /** After this the text is safe to quote in a message. */
    private static void checkCharacters(String text) throws MalformedDataException {
        int bytes = text.length() > MAX_BYTES ? text.length() : text.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_BYTES) {
            throw new MalformedDataException(
                    "commitment", MAX_BYTES, "expected at most " + MAX_BYTES + " bytes, found " + bytes + " or more");
        }
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < ' ' || text.charAt(i) > '~') {
                throw new MalformedDataException(
                        "commitment", i, "expected printable ASCII, found character " + (int) text.charAt(i));
            }
        }
    }
}
