package sn9.cli;

import java.io.IOException;
import java.nio.CharBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import sn9.wallet.EnvironmentPasswords;
import sn9.wallet.PasswordSource;
import sn9.wallet.Wallet;

/** Passwords of a wallet's keyfiles: from the environment, as btcli reads them there, or else from a person. */
public final class KeyPasswords implements PasswordSource {
    /** New passwords below this are refused. */
    private static final int MIN_CHARACTERS = 8;

    /** New passwords with fewer different characters are refused. */
    private static final int MIN_DISTINCT = 5;

    private final Wallet wallet;
    private final Environment environment;
    private final Terminal terminal;

    private KeyPasswords(Wallet wallet, Environment environment, Terminal terminal) {
        this.wallet = wallet;
        this.environment = environment;
        this.terminal = terminal;
    }

    /** Those of a wallet, for a command. */
    public static KeyPasswords of(CommandSpec spec, Wallet wallet) {
        return new KeyPasswords(wallet, Main.environment(spec), Main.terminal(spec));
    }

    @Override
    public char[] password(Path keyfile) throws IOException {
        var known = known(keyfile);
        return known.isPresent() ? known.get() : ask("Password of " + keyfile, keyfile);
    }

    /**
     * The password that a new keyfile gets; a person types it twice.
     *
     * @throws IllegalArgumentException when it is too easily guessed or the two differ
     */
    char[] newPassword(Path keyfile) throws IOException {
        var known = known(keyfile);
        if (known.isPresent()) {
            return strong(known.get());
        }
        char[] password = strong(ask("New password of " + keyfile, keyfile));
        char[] again = ask("The same again", keyfile);
        boolean same = Arrays.equals(password, again);
        Arrays.fill(again, '\0');
        if (!same) {
            Arrays.fill(password, '\0');
            throw new IllegalArgumentException("the two passwords differ");
        }
        return password;
    }

    private Optional<char[]> known(Path keyfile) {
        return EnvironmentPasswords.find(environment::get, wallet, keyfile).map(KeyPasswords::stripped);
    }

    private char[] ask(String question, Path keyfile) throws IOException {
        if (!terminal.isInteractive()) {
            throw new IOException("nobody is at a terminal to type the password of " + keyfile + ", and "
                    + EnvironmentPasswords.variable(keyfile) + " is not set");
        }
        return stripped(terminal.secret(question));
    }

    private static char[] strong(char[] password) {
        long distinct = CharBuffer.wrap(password).chars().distinct().count();
        if (password.length < MIN_CHARACTERS || distinct < MIN_DISTINCT) {
            Arrays.fill(password, '\0');
            throw new IllegalArgumentException("the new password is too weak: " + MIN_CHARACTERS
                    + " characters or more are expected, " + MIN_DISTINCT + " of them different");
        }
        return password;
    }

    /** Without white space around it, which btwallet drops as well. */
    private static char[] stripped(char[] text) {
        int start = 0;
        int end = text.length;
        while (start < end && Character.isWhitespace(text[start])) {
            start++;
        }
        while (end > start && Character.isWhitespace(text[end - 1])) {
            end--;
        }
        char[] stripped = Arrays.copyOfRange(text, start, end);
        Arrays.fill(text, '\0');
        return stripped;
    }
}
