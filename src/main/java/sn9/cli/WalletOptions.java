package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
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

    /** What {@code new} and {@code regen} answer in JSON: btcli's fields. */
    Map<String, Object> written(Wallet wallet) throws IOException {
        var data = new LinkedHashMap<String, Object>();
        data.put("name", wallet.name());
        data.put("path", path().toString());
        data.put("hotkey", wallet.hotkeyName());
        data.put("hotkey_ss58", wallet.hotkeyAddress().orElse(null));
        data.put("coldkey_ss58", wallet.coldkeyAddress().orElse(null));
        var answer = new LinkedHashMap<String, Object>();
        answer.put("success", true);
        answer.put("error", "");
        answer.put("data", data);
        return answer;
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
