package sn9.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code wallet}: keys in the files that btcli uses. */
@Command(
        name = "wallet",
        description = "Make, list, bring back and use keys, in the files that btcli uses.",
        subcommands = {
            WalletListCommand.class,
            WalletNewCommand.class,
            WalletRegenCommand.class,
            WalletShowCommand.class,
            WalletSignCommand.class,
            WalletVerifyCommand.class
        })
final class WalletCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Only runs when none of the commands below was named. */
    @Override
    public void run() {
        throw Main.missingCommand(spec);
    }
}
