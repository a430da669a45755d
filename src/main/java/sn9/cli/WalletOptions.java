package sn9.cli;

import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.wallet.Wallet;

/** Which keys a neuron acts with. */
public final class WalletOptions {
    @Option(
            names = "--wallet.name",
            paramLabel = "NAME",
            defaultValue = "default",
            description = "Name of the wallet (coldkey). Default: ${DEFAULT-VALUE}")
    private String name;

    @Option(
            names = "--wallet.hotkey",
            paramLabel = "NAME",
            defaultValue = "default",
            description = "Name of the hotkey in that wallet. Default: ${DEFAULT-VALUE}")
    private String hotkey;

    @Option(
            names = "--wallet.path",
            paramLabel = "DIR",
            defaultValue = "~/.bittensor/wallets",
            description = "Folder of the wallets. Default: ${DEFAULT-VALUE}")
    private String path;

    /** The wallet, whether it is there or not; a name that cannot be a file's is wrong usage. */
    public Wallet wallet(CommandSpec spec) {
        return Usage.checked(spec, () -> Wallet.open(path(), name, hotkey));
    }

    /** Name of the wallet. */
    public String name() {
        return name;
    }

    /** Name of the hotkey in the wallet. */
    public String hotkey() {
        return hotkey;
    }

    /** Folder of the wallets, with {@code ~} resolved. */
    public Path path() {
        return Home.resolve(path);
    }
}
