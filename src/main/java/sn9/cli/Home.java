package sn9.cli;

import java.nio.file.Path;

/** Paths of options whose default lies in the user's home folder. */
final class Home {
    private Home() {}

    /** The path with a leading {@code ~} replaced by the home folder. */
    static Path resolve(String path) {
        if (path.equals("~") || path.startsWith("~/")) {
            return Path.of(System.getProperty("user.home") + path.substring(1));
        }
        return Path.of(path);
    }
}
