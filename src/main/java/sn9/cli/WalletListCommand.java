package sn9.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.wallet.Wallet;

/** {@code wallet list}: the wallets of a folder. */
@Command(name = "list", description = "List the wallets in --wallet.path with the addresses of their keys.")
final class WalletListCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(WalletListCommand.class);

    /** In place of an address that no file tells, as btcli prints it. */
    private static final String UNKNOWN = "?";

    @Spec
    private CommandSpec spec;

    @Mixin
    private WalletOptions options;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    /** Reads an address that files may tell. */
    private interface Address {
        Optional<String> read() throws IOException;
    }

    @Override
    public Integer call() throws IOException {
        var wallets = new ArrayList<Map<String, Object>>();
        var table = new Table("Wallets in " + options.path(), "wallet", "key", "address", "");
        for (String name : Wallet.names(options.path())) {
            var wallet = Wallet.open(options.path(), name, options.hotkey());
            String coldkey = address(wallet::coldkeyAddress);
            table.row(name, "coldkey", coldkey, remark(WalletKey.COLDKEY, wallet));
            wallets.add(row(name, coldkey, "hotkeys", hotkeys(name, wallet.hotkeyNames(), table)));
        }
        var output = Output.of(spec, json);
        output.table(table);
        output.json(Map.of("wallets", wallets));
        return ExitCode.DONE;
    }

    private List<Map<String, Object>> hotkeys(String name, List<String> hotkeys, Table table) throws IOException {
        var rows = new ArrayList<Map<String, Object>>();
        for (String hotkey : hotkeys) {
            var wallet = Wallet.open(options.path(), name, hotkey);
            String address = address(wallet::hotkeyAddress);
            table.row(name, hotkey, address, remark(WalletKey.HOTKEY, wallet));
            rows.add(row(hotkey, address));
        }
        return rows;
    }

    /** One broken file must not hide the other wallets. */
    private static String address(Address file) {
        try {
            return file.read().orElse(UNKNOWN);
        } catch (IOException e) {
            LOG.warn("{}", e.getMessage());
            return UNKNOWN;
        }
    }

    private static String remark(WalletKey key, Wallet wallet) {
        return Files.exists(key.file(wallet)) ? "" : "public file only";
    }

    private static Map<String, Object> row(String name, String address, Object... more) {
        var row = new LinkedHashMap<String, Object>();
        row.put("name", name);
        row.put("ss58_address", address);
        if (more.length > 0) {
            row.put(more[0].toString(), more[1]);
        }
        return row;
    }
}
