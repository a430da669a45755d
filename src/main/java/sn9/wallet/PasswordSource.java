package sn9.wallet;

import java.io.IOException;
import java.nio.file.Path;

/** Where the password of an encrypted keyfile comes from: the environment, or a person at a terminal. */
@FunctionalInterface
public interface PasswordSource {
    /**
     * The password of a keyfile; whoever asked wipes it.
     *
     * @throws IOException saying where one could be given, when there is none
     */
    char[] password(Path keyfile) throws IOException;
}
