package sn9.wallet;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One step of a derivation path: {@code //name} is hard and needs the secret, {@code /name} is soft (Substrate,
 * primitives/core/src/crypto.rs, {@code DeriveJunction}).
 *
 * @param hard whether only the holder of the secret can take this step
 * @param chainCode 32 bytes; the array is shared
 */
record Junction(boolean hard, byte[] chainCode) {
    private static final int CODE_BYTES = 32;

    /** The step of that name: a decimal number of 64 bits stands for itself, anything else for its text. */
    static Junction of(boolean hard, String name) {
        byte[] encoded = isNumber(name) ? number(name) : text(name);
        byte[] code = encoded.length > CODE_BYTES ? Blake2b.hash(8 * CODE_BYTES, encoded) : encoded;
        return new Junction(hard, Arrays.copyOf(code, CODE_BYTES));
    }

    private static boolean isNumber(String name) {
        try {
            Long.parseUnsignedLong(name);
            return name.chars().allMatch(c -> c >= '0' && c <= '9');
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private static byte[] number(String name) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(Long.parseUnsignedLong(name))
                .array();
    }

    /** SCALE: the length as a compact integer, then UTF-8. */
    private static byte[] text(String name) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        var bytes = ByteBuffer.allocate(Integer.BYTES + utf8.length).order(ByteOrder.LITTLE_ENDIAN);
        if (utf8.length < 1 << 6) {
            bytes.put((byte) (utf8.length << 2));
        } else if (utf8.length < 1 << 14) {
            bytes.putShort((short) (utf8.length << 2 | 1));
        } else {
            throw new IllegalArgumentException("a junction has at most 16383 bytes, found " + utf8.length);
        }
        bytes.put(utf8);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }
}
