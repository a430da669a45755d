package sn9.wallet;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import sn9.Secret;

/**
 * {@code phrase[//hard|/soft]*[///password]}, the phrase being a mnemonic, 0x and 64 hexadecimal digits of a seed, or
 * nothing for Substrate's well-known development phrase (primitives/core/src/address_uri.rs).
 *
 * @param root the phrase; empty for the development one
 * @param path the steps from it
 * @param password empty for none; a seed has none
 */
record SecretUri(CharSequence root, List<Junction> path, CharSequence password) {
    private static final String DEVELOPMENT_PHRASE =
            "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

    /** Splits a URI; the parts are views of it. */
    static SecretUri parse(CharSequence uri) {
        int end = find(uri, "///", 0);
        CharSequence password = end < uri.length() ? uri.subSequence(end + 3, uri.length()) : "";
        int start = Math.min(find(uri, "/", 0), end);
        var path = new ArrayList<Junction>();
        for (int at = start; at < end; ) {
            boolean hard = at + 1 < end && uri.charAt(at + 1) == '/';
            int name = at + (hard ? 2 : 1);
            at = Math.min(find(uri, "/", name), end);
            if (at == name) {
                throw new IllegalArgumentException("step " + (path.size() + 1) + " of the secret URI's path is empty");
            }
            path.add(Junction.of(hard, uri.subSequence(name, at).toString()));
        }
        return new SecretUri(uri.subSequence(0, start), path, password);
    }

    /** The secret before any step. */
    SecretKey rootKey() {
        byte[] seed = seed();
        try {
            return SecretKey.ofSeed(seed);
        } finally {
            Arrays.fill(seed, (byte) 0);
        }
    }

    @Override
    public String toString() {
        return Secret.MASK;
    }

    private byte[] seed() {
        if (root.length() > 1 && root.charAt(0) == '0' && root.charAt(1) == 'x') {
            return hexSeed(root.subSequence(2, root.length()));
        }
        try (var mnemonic = Mnemonic.parse(root.isEmpty() ? DEVELOPMENT_PHRASE : root)) {
            return mnemonic.seed(password);
        }
    }

    private static byte[] hexSeed(CharSequence digits) {
        if (digits.length() != 2 * SecretKey.SEED_BYTES || !digits.chars().allMatch(HexFormat::isHexDigit)) {
            throw new IllegalArgumentException("a seed is 0x and " + 2 * SecretKey.SEED_BYTES
                    + " hexadecimal digits, found " + digits.length() + " characters after 0x");
        }
        return HexFormat.of().parseHex(digits);
    }

    /** Where a text first stands at or after a place, or the length. */
    private static int find(CharSequence in, String text, int from) {
        for (int at = from; at + text.length() <= in.length(); at++) {
            if (text.contentEquals(in.subSequence(at, at + text.length()))) {
                return at;
            }
        }
        return in.length();
    }
}
