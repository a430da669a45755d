package sn9.wallet;

import java.util.Arrays;

/**
 * The JSON of a keyfile: one object of strings in ASCII that need no escapes, being digits, words and addresses. Not
 * Jackson's, whose buffers cannot be wiped; closing this wipes its own.
 */
final class KeyfileWriter implements AutoCloseable {
    /** More than 24 words, two keys, a secret, a seed, an address and their names take. */
    private static final int CAPACITY = 2048;

    private static final String DIGITS = "0123456789abcdef";

    private final byte[] bytes = new byte[CAPACITY];
    private int length;

    /** A public file: account id, public key and address. */
    static byte[] publicFile(byte[] publicKey) {
        try (var content = new KeyfileWriter()) {
            content.publicKey(publicKey);
            content.text("ss58Address", Ss58.encode(publicKey).toCharArray());
            return content.json();
        }
    }

    /** Adds the public key under both its names. */
    void publicKey(byte[] key) {
        hex("accountId", key);
        hex("publicKey", key);
    }

    /** Adds bytes as 0x and their digits. */
    void hex(String name, byte[] value) {
        begin(name);
        put('0');
        put('x');
        for (byte b : value) {
            put(DIGITS.charAt(b >> 4 & 0xf));
            put(DIGITS.charAt(b & 0xf));
        }
        put('"');
    }

    /** Adds letters, digits and blanks. */
    void text(String name, char[] value) {
        begin(name);
        for (char c : value) {
            put(c);
        }
        put('"');
    }

    /** The object, which the caller wipes. */
    byte[] json() {
        put('}');
        return Arrays.copyOf(bytes, length);
    }

    @Override
    public void close() {
        Arrays.fill(bytes, (byte) 0);
    }

    private void begin(String name) {
        put(length == 0 ? '{' : ',');
        put('"');
        name.chars().forEach(c -> put((char) c));
        put('"');
        put(':');
        put('"');
    }

    private void put(char c) {
        bytes[length++] = (byte) c;
    }
}
