package sn9.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Files that lie beside a developer's checkout and not in it: metadata of genuine runtimes and exchanges recorded from one.
 * {@code -Dsn9.shared=DIR} names another folder. Tests that need one are skipped where it is absent.
 */
public final class SharedFiles {
    private SharedFiles() {}

    /** A file of the shared folder; skips the test when it is not there. */
    public static Path file(String name) {
        Path named = Path.of(System.getProperty("sn9.shared", "../shared"));
        Path found = Stream.of(named, Path.of("../../shared"))
                .map(folder -> folder.resolve(name))
                .filter(Files::isRegularFile)
                .findFirst()
                .orElse(named.resolve(name));
        assumeTrue(
                Files.isRegularFile(found), () -> found + " is not there; -Dsn9.shared=DIR names the folder it is in");
        return found;
    }

    /** The bytes of a file of the shared folder; skips the test when it is not there. */
    public static byte[] bytes(String name) throws IOException {
        return Files.readAllBytes(file(name));
    }
}
