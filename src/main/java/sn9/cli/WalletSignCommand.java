package sn9.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.wallet.Wallet;

/** {@code wallet sign}: proves that one holds a key. */
@Command(name = "sign", description = "Sign a message with a wallet's hotkey or coldkey.")
final class WalletSignCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private WalletOptions options;

    @Option(names = "--message", paramLabel = "TEXT", required = true, description = "What to sign, as UTF-8.")
    private String message;

    @Option(
            names = "--use-hotkey",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Sign with the hotkey (the default); --no-use-hotkey: with the coldkey.")
    private boolean useHotkey;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        Wallet wallet = options.wallet(spec);
        var which = useHotkey ? WalletKey.HOTKEY : WalletKey.COLDKEY;
        try (var key = which.open(wallet, KeyPasswords.of(spec, wallet))) {
            String signature = HexFormat.of().formatHex(key.sign(message.getBytes(StandardCharsets.UTF_8)));
            var answer = new LinkedHashMap<String, Object>();
            answer.put("signed_message", signature);
            answer.put("signer_address", key.address());
            var output = Output.of(spec, json);
            output.text("signature " + signature);
            output.text("signer " + key.address());
            output.json(answer);
        }
        return ExitCode.DONE;
    }
}
