package sn9.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import sn9.Secret;
import sn9.wallet.KeyMaterial;
import sn9.wallet.Keypair;
import sn9.wallet.Mnemonic;
import sn9.wallet.Wallet;

/** {@code wallet new}: fresh keys. */
@Command(
        name = "new",
        description =
                "Make a wallet of a new coldkey and a new hotkey, or one of the two. Their mnemonics are shown once.")
final class WalletNewCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "KEY", arity = "0..1", description = "coldkey or hotkey; both when left out.")
    private WalletKey only;

    @Mixin
    private WalletOptions wallet;

    @Mixin
    private KeyfileOptions keyfiles;

    @Option(
            names = {"--n_words", "--n-words"},
            paramLabel = "N",
            defaultValue = "12",
            description = "Words of a mnemonic: 12, 15, 18, 21 or 24. Default: ${DEFAULT-VALUE}")
    private int words;

    @Option(
            names = "--uri",
            paramLabel = "URI",
            converter = Hidden.class,
            description = "Make the key of this secret URI, such as //Alice, for both, unencrypted: for tests, since it"
                    + " stays in the shell's history.")
    private Secret uri;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        if (!Mnemonic.WORD_COUNTS.contains(words)) {
            throw Usage.error(spec, "--n_words is " + words + ", expected one of " + Mnemonic.WORD_COUNTS);
        }
        Wallet target = wallet.wallet(spec);
        List<WalletKey> keys = only == null ? List.of(WalletKey.values()) : List.of(only);
        requireRoom(target, keys);
        var output = Output.of(spec, json);
        for (var which : keys) {
            make(target, which, output);
        }
        output.json(wallet.written(target));
        return ExitCode.DONE;
    }

    /** Before anything is asked or written. */
    private void requireRoom(Wallet target, List<WalletKey> keys) throws IOException {
        for (var which : keys) {
            for (var file : List.of(which.file(target), which.publicFile(target))) {
                if (!keyfiles.overwrite() && Files.exists(file)) {
                    throw new FileAlreadyExistsException(
                            file + " exists already; --overwrite replaces the key, which is lost without its mnemonic");
                }
            }
        }
    }

    private void make(Wallet target, WalletKey which, Output output) throws IOException {
        boolean usual = which == WalletKey.COLDKEY && uri == null;
        char[] password = keyfiles.password(spec, target, which, usual);
        if (uri != null) {
            try (var key = KeyMaterial.of(Usage.checked(spec, () -> Keypair.fromUri(uri.reveal())))) {
                keyfiles.write(target, which, key, password);
                output.text(which + " " + key.keypair().address() + " of the given URI");
            }
            return;
        }
        try (var mnemonic = Mnemonic.generate(words);
                var key = KeyMaterial.of(mnemonic)) {
            keyfiles.write(target, which, key, password);
            output.text(which + " " + key.keypair().address());
            show(mnemonic, output);
        }
    }

    private static void show(Mnemonic mnemonic, Output output) {
        char[] phrase = mnemonic.phrase();
        output.text("Its mnemonic, which is never shown again. Whoever has it has the key; keep it off line:");
        output.text("");
        output.text("    " + new String(phrase));
        output.text("");
        Arrays.fill(phrase, '\0');
    }

    /** Keeps a flag's value out of every listing of flags. */
    static final class Hidden implements ITypeConverter<Secret> {
        @Override
        public Secret convert(String value) {
            return new Secret(value);
        }
    }
}
