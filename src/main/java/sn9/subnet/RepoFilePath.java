package sn9.subnet;

import java.util.Optional;
import java.util.regex.Pattern;

/** Names of files in a repository. They come from anybody, and become paths on this machine. */
public final class RepoFilePath {
    /** Most characters of a name, its folders included. */
    public static final int MAX_LENGTH = 512;

    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*");

    private RepoFilePath() {}

    /** What keeps a path from being a file of a repository; empty when nothing does. */
    public static Optional<String> fault(String path) {
        if (path.isEmpty() || path.length() > MAX_LENGTH) {
            return Optional.of("has " + path.length() + " characters, expected 1 to " + MAX_LENGTH);
        }
        if (path.chars().anyMatch(c -> c < ' ' || c == 0x7f || c == '\\')
                || DRIVE.matcher(path).matches()) {
            return Optional.of("holds a control character, a backslash or a drive letter");
        }
        for (String step : path.split("/", -1)) {
            if (step.isEmpty() || step.equals(".") || step.equals("..")) {
                return Optional.of("has an empty step, . or ..");
            }
        }
        return Optional.empty();
    }
}
