package sn9.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.wallet.Wallet;

/** {@code wallet show}: one wallet, without its secrets. */
@Command(name = "show", description = "Show a wallet's addresses and how its keyfiles are encrypted; never a secret.")
final class WalletShowCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private WalletOptions options;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        Wallet wallet = options.wallet(spec);
        var answer = new LinkedHashMap<String, Object>();
        answer.put("name", wallet.name());
        answer.put("path", options.path().toString());
        answer.put("coldkey_ss58", wallet.coldkeyAddress().orElse(null));
        answer.put("coldkey_encryption", encryption(WalletKey.COLDKEY, wallet));
        answer.put("hotkey", wallet.hotkeyName());
        answer.put("hotkey_ss58", wallet.hotkeyAddress().orElse(null));
        answer.put("hotkey_encryption", encryption(WalletKey.HOTKEY, wallet));
        answer.put("hotkeys", wallet.hotkeyNames());
        if (answer.get("coldkey_ss58") == null
                && answer.get("coldkey_encryption") == null
                && wallet.hotkeyNames().isEmpty()) {
            throw new IOException("no wallet " + wallet.directory() + ": 'sn9 wallet list' shows those that are there,"
                    + " 'sn9 wallet new' makes one");
        }
        var output = Output.of(spec, json);
        for (Map.Entry<String, Object> line : answer.entrySet()) {
            output.text(line.getKey() + " " + (line.getValue() == null ? "-" : line.getValue()));
        }
        output.json(answer);
        return ExitCode.DONE;
    }

    /** The kind of encryption in lower case; null without a keyfile. */
    private static String encryption(WalletKey key, Wallet wallet) throws IOException {
        return Wallet.encryption(key.file(wallet))
                .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                .orElse(null);
    }
}
