package sn9.wallet;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * SS58 addresses of 32-byte account ids: base58 of the network's prefix, the id and two bytes of checksum (spec/chain.md
 * section 5; the two-byte form of prefixes from 64 on is that of Substrate's {@code ss58_address_format}).
 */
public final class Ss58 {
    /** The prefix of Bittensor, and of any Substrate chain that asked for none of its own. */
    public static final int BITTENSOR_PREFIX = 42;

    /** Bytes of an account id, which for sr25519 is the public key. */
    public static final int KEY_BYTES = 32;

    private static final int CHECKSUM_BYTES = 2;
    private static final int MAX_PREFIX = (1 << 14) - 1;

    /** The longest address: 36 bytes are at most 50 digits. */
    private static final int MAX_CHARACTERS = 50;

    private static final byte[] CHECKSUM_CONTEXT = "SS58PRE".getBytes(StandardCharsets.US_ASCII);
    private static final String DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    private static final BigInteger BASE = BigInteger.valueOf(DIGITS.length());

    private Ss58() {}

    /** The Bittensor address of an account id of {@value #KEY_BYTES} bytes. */
    public static String encode(byte[] publicKey) {
        return encode(publicKey, BITTENSOR_PREFIX);
    }

    /** As {@link #encode(byte[])}, for another network's prefix of 0 to 16383, but 46 and 47, which are reserved. */
    public static String encode(byte[] publicKey, int prefix) {
        if (publicKey.length != KEY_BYTES) {
            throw new IllegalArgumentException("an account id has " + KEY_BYTES + " bytes, found " + publicKey.length);
        }
        byte[] head = head(prefix);
        byte[] payload = Arrays.copyOf(head, head.length + KEY_BYTES);
        System.arraycopy(publicKey, 0, payload, head.length, KEY_BYTES);
        byte[] bytes = Arrays.copyOf(payload, payload.length + CHECKSUM_BYTES);
        System.arraycopy(checksum(payload), 0, bytes, payload.length, CHECKSUM_BYTES);
        return base58(bytes);
    }

    /**
     * The account id of a Bittensor address.
     *
     * @throws IllegalArgumentException when the text is no address, its checksum is wrong, or it is of another network;
     *     the message does not repeat the text, which may have been a secret in the wrong place
     */
    public static byte[] decode(String address) {
        return decode(address, BITTENSOR_PREFIX);
    }

    /** As {@link #decode(String)}, of another network's prefix. */
    public static byte[] decode(String address, int prefix) {
        byte[] bytes = checked(address);
        byte[] head = head(prefix);
        byte[] found = Arrays.copyOf(bytes, bytes.length - KEY_BYTES);
        if (!Arrays.equals(found, head)) {
            throw new IllegalArgumentException("the SS58 address is of another network: prefix " + prefix
                    + " is expected, found " + prefix(found));
        }
        return Arrays.copyOfRange(bytes, head.length, bytes.length);
    }

    /** As {@link #decode(String)}, whatever network the address is of. */
    static byte[] decodeAnyNetwork(String address) {
        byte[] bytes = checked(address);
        return Arrays.copyOfRange(bytes, bytes.length - KEY_BYTES, bytes.length);
    }

    /** Head and key of an address of the right length and checksum. */
    private static byte[] checked(String address) {
        byte[] bytes = bytes(address);
        if (bytes.length == 0) {
            throw new IllegalArgumentException("an SS58 address is expected, found nothing");
        }
        int expected = ((bytes[0] & 0xff) < 64 ? 1 : 2) + KEY_BYTES + CHECKSUM_BYTES;
        if (bytes.length != expected) {
            throw new IllegalArgumentException(
                    "an SS58 address holds " + expected + " bytes, found " + bytes.length + ": is it complete?");
        }
        byte[] payload = Arrays.copyOf(bytes, expected - CHECKSUM_BYTES);
        byte[] checksum = Arrays.copyOfRange(bytes, payload.length, expected);
        if (!Arrays.equals(checksum, checksum(payload))) {
            throw new IllegalArgumentException("the checksum of the SS58 address is wrong: is it mistyped?");
        }
        return payload;
    }

    private static byte[] head(int prefix) {
        if (prefix < 0 || prefix > MAX_PREFIX || prefix == 46 || prefix == 47) {
            throw new IllegalArgumentException(
                    "an SS58 prefix is 0 to " + MAX_PREFIX + " but 46 and 47, found " + prefix);
        }
        if (prefix < 64) {
            return new byte[] {(byte) prefix};
        }
        return new byte[] {
            (byte) ((prefix & 0b1111_1100) >> 2 | 0b0100_0000), (byte) (prefix >> 8 | (prefix & 0b11) << 6)
        };
    }

    private static int prefix(byte[] head) {
        if (head.length == 1) {
            return head[0];
        }
        int low = (head[0] << 2 | (head[1] & 0xff) >> 6) & 0xff;
        return low | (head[1] & 0b0011_1111) << 8;
    }

    private static byte[] checksum(byte[] payload) {
        return Arrays.copyOf(Blake2b.hash(512, CHECKSUM_CONTEXT, payload), CHECKSUM_BYTES);
    }

    private static String base58(byte[] bytes) {
        var digits = new StringBuilder();
        for (var rest = new BigInteger(1, bytes); rest.signum() > 0; rest = rest.divide(BASE)) {
            digits.append(DIGITS.charAt(rest.mod(BASE).intValue()));
        }
        for (int i = 0; i < bytes.length && bytes[i] == 0; i++) {
            digits.append(DIGITS.charAt(0));
        }
        return digits.reverse().toString();
    }

    private static byte[] bytes(String base58) {
        if (base58.length() > MAX_CHARACTERS) {
            throw new IllegalArgumentException(
                    "an SS58 address has at most " + MAX_CHARACTERS + " characters, found " + base58.length());
        }
        var value = BigInteger.ZERO;
        int zeros = 0;
        for (int i = 0; i < base58.length(); i++) {
            int digit = DIGITS.indexOf(base58.charAt(i));
            if (digit < 0) {
                throw new IllegalArgumentException("character " + (i + 1) + " of the SS58 address is not of base58");
            }
            value = value.multiply(BASE).add(BigInteger.valueOf(digit));
            zeros += value.signum() == 0 ? 1 : 0;
        }
        byte[] magnitude = value.signum() == 0 ? new byte[0] : value.toByteArray();
        int sign = magnitude.length > 0 && magnitude[0] == 0 ? 1 : 0;
        byte[] bytes = new byte[zeros + magnitude.length - sign];
        System.arraycopy(magnitude, sign, bytes, zeros, magnitude.length - sign);
        return bytes;
    }
}
