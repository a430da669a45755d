package sn9.localnet;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Who a neuron is on the local network: addresses made from the wallet's names alone. They look like any other, but
 * nobody holds their keys; the local chain checks no signatures.
 *
 * @param hotkey SS58 address that registers, commits and sets weights
 * @param coldkey SS58 address of its owner
 */
public record LocalIdentity(String hotkey, String coldkey) {
    /**
     * The identity of a wallet's hotkey. Hotkeys of one wallet share its coldkey.
     *
     * @param walletName as for {@code --wallet.name}
     * @param hotkeyName as for {@code --wallet.hotkey}
     */
    public static LocalIdentity of(String walletName, String hotkeyName) {
        requireName("wallet", walletName);
        requireName("hotkey", hotkeyName);
        return new LocalIdentity(address("hotkey/" + walletName + "/" + hotkeyName), address("coldkey/" + walletName));
    }

    private static void requireName(String what, String name) {
        if (name.isBlank() || name.contains("/")) {
            throw new IllegalArgumentException(
                    what + " name is \"" + name + "\", expected a name without slashes, such as default");
        }
    }

    /** The SHA-256 of a text, taken for a public key. */
    private static String address(String text) {
        try {
            byte[] bytes = ("sn9 localnet/" + text).getBytes(StandardCharsets.UTF_8);
            return LocalAddress.ofKey(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-256, which every one must have", e);
        }
    }
}
