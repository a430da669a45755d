package sn9.wallet;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * Passwords of keyfiles in environment variables, as the Bittensor wallets keep them. {@code BT_PW_<path>} holds the
 * Base64 of the password XORed with the variable's own name (opentensor/btwallet:src/keyfile.rs,
 * {@code encrypt_password}), which hides it from a glance only; {@code BT_COLD_PW_<wallet>}, of the Python wallets, holds
 * the coldkey's as it is.
 */
public final class EnvironmentPasswords {
    private static final String COLDKEY_PREFIX = "BT_COLD_PW_";

    private EnvironmentPasswords() {}

    /** The variable of a keyfile: its path in upper case with {@code /} and {@code .} as {@code _}. */
    public static String variable(Path keyfile) {
        return "BT_PW_" + keyfile.toString().replace('/', '_').replace('.', '_').toUpperCase(Locale.ROOT);
    }

    /**
     * The password of one of a wallet's keyfiles; whoever asked wipes it.
     *
     * @param environment gives the value of a variable
     * @throws IllegalArgumentException when the variable is set to something else than Base64 of a text
     */
    public static Optional<char[]> find(Function<String, Optional<String>> environment, Wallet wallet, Path keyfile) {
        String name = variable(keyfile);
        var hidden = environment.apply(name);
        if (hidden.isPresent()) {
            return Optional.of(unhide(name, hidden.get()));
        }
        if (!keyfile.equals(wallet.coldkeyFile())) {
            return Optional.empty();
        }
        String plain = COLDKEY_PREFIX + wallet.name().replace('-', '_');
        return environment
                .apply(plain.toUpperCase(Locale.ROOT))
                .or(() -> environment.apply(plain))
                .map(String::toCharArray);
    }

    private static char[] unhide(String variable, String value) {
        byte[] name = variable.getBytes(StandardCharsets.UTF_8);
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(value.strip());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    variable + " is not Base64: it holds the Base64 of the password XORed with"
                            + " the variable's name, as btcli writes it");
        }
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] ^= name[i % name.length];
        }
        CharBuffer text = StandardCharsets.UTF_8.decode(ByteBuffer.wrap(bytes));
        char[] password = Arrays.copyOf(text.array(), text.remaining());
        Arrays.fill(text.array(), '\0');
        Arrays.fill(bytes, (byte) 0);
        return password;
    }
}
