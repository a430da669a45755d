package sn9.cli;

import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import sn9.wallet.EnvironmentPasswords;
import sn9.wallet.PasswordSource;
import sn9.wallet.Wallet;

/** Passwords of a wallet's keyfiles for commands that act on a chain: from the environment, or from a person. */
final class WalletPasswords {
    private WalletPasswords() {}

    static PasswordSource of(CommandSpec spec, Wallet wallet) {
        var environment = Main.environment(spec);
        return keyfile -> {
            var known = EnvironmentPasswords.find(environment::get, wallet, keyfile);
            if (known.isPresent()) {
                return known.get();
            }
            var console = Optional.ofNullable(System.console());
            return console.map(c -> c.readPassword("Password of %s: ", keyfile))
                    .orElseThrow(() -> new IOException("nobody is at a terminal to type the password of " + keyfile
                            + ", and " + EnvironmentPasswords.variable(keyfile) + " is not set"));
        };
    }
}
