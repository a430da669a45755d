package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import sn9.wallet.Keypair;
import sn9.wallet.Wallet;

/** The two keys of a wallet that have secrets. */
enum WalletKey {
    COLDKEY,
    HOTKEY;

    /** The keyfile. */
    Path file(Wallet wallet) {
        return this == COLDKEY ? wallet.coldkeyFile() : wallet.hotkeyFile();
    }

    /** The public file. */
    Path publicFile(Wallet wallet) {
        return this == COLDKEY ? wallet.coldkeypubFile() : wallet.hotkeypubFile();
    }

    /** The key itself, which the caller closes. */
    Keypair open(Wallet wallet, KeyPasswords passwords) throws IOException {
        return this == COLDKEY ? wallet.coldkey(passwords) : wallet.hotkey(passwords);
    }

    /** As a user writes it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
