package sn9.cli;

import java.io.IOException;
import java.nio.CharBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import sn9.wallet.KeyMaterial;
import sn9.wallet.Mnemonic;
import sn9.wallet.PolkadotKeystore;
import sn9.wallet.Ss58;
import sn9.wallet.Wallet;

/** {@code wallet regen}: a key from its backup. */
@Command(
        name = "regen",
        description = "Bring a key back from its mnemonic or seed, which is asked for or read as one line of standard"
                + " input, or from a JSON backup of polkadot-js.")
final class WalletRegenCommand implements Callable<Integer> {
    /** Variable with the password of a backup. */
    private static final String JSON_PASSWORD = "SN9_JSON_PASSWORD";

    /** What can be brought back. */
    enum Target {
        coldkey,
        hotkey,
        coldkeypub
    }

    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "KEY",
            description = "coldkey, hotkey, or coldkeypub: the public file alone, by --ss58_address.")
    private Target target;

    @Mixin
    private WalletOptions options;

    @Mixin
    private KeyfileOptions keyfiles;

    @Option(
            names = {"--json_path", "--json-path"},
            paramLabel = "FILE",
            description = "The backup. Its password is asked for, or taken from " + JSON_PASSWORD + ".")
    private Path jsonPath;

    @Option(
            names = {"--ss58_address", "--ss58-address"},
            paramLabel = "ADDRESS",
            description = "The address of a coldkey whose secret stays elsewhere.")
    private String ss58Address;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        Wallet wallet = options.wallet(spec);
        if ((target == Target.coldkeypub) != (ss58Address != null)) {
            throw Usage.error(spec, "coldkeypub takes --ss58_address, and nothing else does");
        }
        String address = target == Target.coldkeypub ? publish(wallet) : regenerate(wallet);
        var output = Output.of(spec, json);
        output.text(target + " " + address + " is in " + wallet.directory());
        output.json(options.written(wallet));
        return ExitCode.DONE;
    }

    private String publish(Wallet wallet) throws IOException {
        byte[] publicKey = Usage.checked(spec, () -> Ss58.decode(ss58Address));
        wallet.writeColdkeypub(publicKey, keyfiles.overwrite());
        return ss58Address;
    }

    private String regenerate(Wallet wallet) throws IOException {
        var which = target == Target.coldkey ? WalletKey.COLDKEY : WalletKey.HOTKEY;
        try (var key = jsonPath == null ? fromWordsOrSeed() : fromJson()) {
            char[] password = keyfiles.password(spec, wallet, which, which == WalletKey.COLDKEY);
            keyfiles.write(wallet, which, key, password);
            return key.keypair().address();
        }
    }

    private KeyMaterial fromWordsOrSeed() throws IOException {
        char[] text = Main.terminal(spec).secret("Mnemonic, or 0x and the seed's 64 digits");
        try {
            return text.length > 1 && text[0] == '0' && text[1] == 'x' ? fromSeed(text) : fromWords(text);
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            Arrays.fill(text, '\0');
        }
    }

    private static KeyMaterial fromWords(char[] text) {
        try (var mnemonic = Mnemonic.parse(CharBuffer.wrap(text))) {
            return KeyMaterial.of(mnemonic);
        }
    }

    private static KeyMaterial fromSeed(char[] text) {
        var digits = CharBuffer.wrap(text, 2, text.length - 2);
        if (digits.length() % 2 != 0 || !digits.chars().allMatch(HexFormat::isHexDigit)) {
            throw new IllegalArgumentException("the seed is not 0x and an even number of hexadecimal digits");
        }
        byte[] seed = HexFormat.of().parseHex(digits);
        try {
            return KeyMaterial.ofSeed(seed);
        } finally {
            Arrays.fill(seed, (byte) 0);
        }
    }

    private KeyMaterial fromJson() throws IOException {
        char[] password = Main.environment(spec)
                .secret(JSON_PASSWORD)
                .map(known -> known.reveal().toCharArray())
                .orElse(null);
        if (password == null && !Main.terminal(spec).isInteractive()) {
            throw new IOException("nobody is at a terminal to type the password of " + jsonPath + ", and "
                    + JSON_PASSWORD + " is not set");
        }
        if (password == null) {
            password = Main.terminal(spec).secret("Password of " + jsonPath);
        }
        try {
            return KeyMaterial.of(PolkadotKeystore.read(jsonPath, password));
        } finally {
            Arrays.fill(password, '\0');
        }
    }
}
