package sn9.localnet;

import java.util.regex.Pattern;
import sn9.wallet.Keypair;

/**
 * Who a neuron is on the local network: keys derived from the wallet's names alone, by the development phrase that everybody
 * knows. Other tools sign as the hotkey by the URI {@code //WALLET//HOTKEY} and as its owner by {@code //WALLET}; so can
 * anybody else.
 *
 * @param hotkey SS58 address that registers, commits and sets weights
 * @param coldkey SS58 address of its owner
 */
public record LocalIdentity(String hotkey, String coldkey) {
    private static final Pattern NAME = Pattern.compile("[^/\\s]+");

    /**
     * The identity of a wallet's hotkey. Hotkeys of one wallet share its coldkey.
     *
     * @param walletName as for {@code --wallet.name}
     * @param hotkeyName as for {@code --wallet.hotkey}
     */
    public static LocalIdentity of(String walletName, String hotkeyName) {
        return new LocalIdentity(address(hotkey(walletName, hotkeyName)), address(coldkey(walletName)));
    }

    /** The secret of a wallet's hotkey; the caller closes it. */
    public static Keypair hotkey(String walletName, String hotkeyName) {
        requireName("wallet", walletName);
        requireName("hotkey", hotkeyName);
        return Keypair.fromUri("//" + walletName + "//" + hotkeyName);
    }

    /** The secret of a wallet's coldkey; the caller closes it. */
    public static Keypair coldkey(String walletName) {
        requireName("wallet", walletName);
        return Keypair.fromUri("//" + walletName);
    }

    private static void requireName(String what, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    what + " name is \"" + name + "\", expected a name without slashes and blanks, such as default");
        }
    }

    private static String address(Keypair key) {
        try (key) {
            return key.address();
        }
    }
}
