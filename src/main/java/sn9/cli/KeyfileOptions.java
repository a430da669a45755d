package sn9.cli;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.wallet.KeyMaterial;
import sn9.wallet.Wallet;

/** How a command writes keyfiles. */
final class KeyfileOptions {
    @Option(
            names = "--overwrite",
            fallbackValue = "true",
            description = "Replace keys that are there. Without their mnemonics they are lost.")
    private boolean overwrite;

    @Option(
            names = "--use-password",
            negatable = true,
            description = "Encrypt the keyfile with a password, asked for or from BT_PW_<path>. Default: the coldkey is"
                    + " encrypted, the hotkey, which a neuron uses alone, is not.")
    private Boolean usePassword;

    /** Whether keys that are there may be replaced. */
    boolean overwrite() {
        return overwrite;
    }

    /** What the user said of a password, if anything. */
    Optional<Boolean> usePassword() {
        return Optional.ofNullable(usePassword);
    }

    /** The password a new keyfile gets; null for none. */
    char[] password(CommandSpec spec, Wallet wallet, WalletKey key, boolean usual) throws IOException {
        if (!usePassword().orElse(usual)) {
            return null;
        }
        try {
            return KeyPasswords.of(spec, wallet).newPassword(key.file(wallet));
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /** Writes a key and wipes its password. */
    void write(Wallet wallet, WalletKey which, KeyMaterial key, char[] password) throws IOException {
        try {
            switch (which) {
                case COLDKEY -> wallet.writeColdkey(key, password, overwrite);
                case HOTKEY -> wallet.writeHotkey(key, password, overwrite);
            }
        } finally {
            if (password != null) {
                Arrays.fill(password, '\0');
            }
        }
    }
}
