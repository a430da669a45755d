package sn9.wallet;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Keyfiles that other programs wrote (GOLDEN.md): all of one key. */
final class GoldenKeyfile {
    static final String ADDRESS = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
    static final String PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
    static final String PASSWORD = "correct horse battery staple";

    private GoldenKeyfile() {}

    /** The bytes of the file of that name. */
    static byte[] read(String name) {
        try (var in = GoldenKeyfile.class.getResourceAsStream("keyfiles/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
