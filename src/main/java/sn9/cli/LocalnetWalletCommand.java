package sn9.cli;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import sn9.localnet.LocalIdentity;
import sn9.localnet.chain.EmbeddedChain;
import sn9.wallet.KeyMaterial;
import sn9.wallet.Ss58;
import sn9.wallet.Wallet;

/** {@code localnet wallet}: keyfiles to act with on a served local network, and TAO to spend there. */
@Command(
        name = "wallet",
        description = "Make wallets for a local network and give them TAO, so that every other command can act on the"
                + " served chain as on a genuine one. A wallet that is there keeps its keys and gets more TAO. New keys"
                + " follow from the wallet's name, as everybody can tell, and are not encrypted.")
final class LocalnetWalletCommand implements Callable<Integer> {
    /** TAO has this many decimals. */
    private static final int RAO_DIGITS = 9;

    /** More TAO there will never be. */
    private static final double MAX_TAO = 21e6;

    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetDirOption localnet;

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "Names of wallets.")
    private List<String> names;

    @Option(
            names = "--wallet.hotkey",
            paramLabel = "NAME",
            defaultValue = "default",
            description = "Name of the hotkey in each wallet. Default: ${DEFAULT-VALUE}")
    private String hotkey;

    @Option(
            names = "--wallet.path",
            paramLabel = "DIR",
            description = "Folder of the wallets. Default: wallets in --localnet_dir")
    private Path path;

    @Option(
            names = "--tao",
            paramLabel = "TAO",
            defaultValue = "1000",
            description = "What each coldkey gets to spend. Default: ${DEFAULT-VALUE}")
    private double tao;

    @Option(
            names = "--stake",
            paramLabel = "TAO",
            defaultValue = "0",
            description = "What is staked on each hotkey beside that; above 0 it may set weights."
                    + " Default: ${DEFAULT-VALUE}")
    private double stake;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        checkAmount("--tao", tao);
        checkAmount("--stake", stake);
        Path folder = path == null ? localnet.directory().resolve("wallets") : path;
        var wallets = new ArrayList<Wallet>();
        for (String name : names) {
            Usage.checked(spec, () -> LocalIdentity.of(name, hotkey));
            wallets.add(Usage.checked(spec, () -> Wallet.open(folder, name, hotkey)));
        }
        var output = Output.of(spec, json);
        var rows = new ArrayList<Map<String, ?>>();
        try (var chain = localnet.open()) {
            for (Wallet wallet : wallets) {
                rows.add(fund(chain, wallet, output));
            }
            chain.advance(1);
        }
        var answer = new LinkedHashMap<String, Object>();
        answer.put("wallet_path", folder.toString());
        answer.put("wallets", rows);
        output.json(answer);
        return ExitCode.DONE;
    }

    private void checkAmount(String flag, double amount) {
        if (!(amount >= 0 && amount <= MAX_TAO)) {
            throw Usage.error(spec, flag + " is " + amount + ", expected 0 to 21000000");
        }
    }

    private Map<String, ?> fund(EmbeddedChain chain, Wallet wallet, Output output) throws IOException {
        makeMissingKeys(wallet);
        String coldkeyAddress = wallet.coldkeyAddress()
                .orElseThrow(() -> new IOException(wallet.coldkeypubFile() + " is missing, so nothing tells the"
                        + " coldkey's address; 'sn9 wallet regen coldkeypub' brings it back"));
        String hotkeyAddress = wallet.hotkeyAddress()
                .orElseThrow(() ->
                        new IOException(wallet.hotkeypubFile() + " is missing, so nothing tells the hotkey's address"));
        byte[] coldkey = Ss58.decode(coldkeyAddress);
        chain.fund(coldkey, tao, Ss58.decode(hotkeyAddress), stake);
        var balance = BigDecimal.valueOf(chain.balance(coldkey), RAO_DIGITS).stripTrailingZeros();
        var row = new LinkedHashMap<String, Object>();
        row.put("name", wallet.name());
        row.put("hotkey_ss58", hotkeyAddress);
        row.put("coldkey_ss58", coldkeyAddress);
        row.put("tao", balance);
        output.text(wallet.directory() + ": coldkey " + coldkeyAddress + " has " + balance.toPlainString()
                + " TAO, hotkey " + hotkeyAddress);
        return row;
    }

    private void makeMissingKeys(Wallet wallet) throws IOException {
        if (!Files.exists(wallet.coldkeyFile()) && !Files.exists(wallet.coldkeypubFile())) {
            try (var key = KeyMaterial.of(LocalIdentity.coldkey(wallet.name()))) {
                wallet.writeColdkey(key, null, false);
            }
        }
        if (!Files.exists(wallet.hotkeyFile()) && !Files.exists(wallet.hotkeypubFile())) {
            try (var key = KeyMaterial.of(LocalIdentity.hotkey(wallet.name(), hotkey))) {
                wallet.writeHotkey(key, null, false);
            }
        }
    }
}
