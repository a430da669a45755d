package sn9.chain.scale;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;

/** Writes SCALE, the other side of {@link ScaleReader}. A number that does not fit is an {@link IllegalArgumentException}. */
public final class ScaleWriter {
    private static final BigInteger FOUR_BYTES = BigInteger.ONE.shiftLeft(30);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** One byte, 0 to 255. */
    public ScaleWriter u8(int value) {
        return little(value, Byte.BYTES);
    }

    /** Two bytes, 0 to 65,535. */
    public ScaleWriter u16(int value) {
        return little(value, Short.BYTES);
    }

    /** Four bytes, 0 to 2^32 - 1. */
    public ScaleWriter u32(long value) {
        return little(value, Integer.BYTES);
    }

    /** Eight bytes: the bits of an unsigned number. */
    public ScaleWriter u64(long value) {
        for (int i = 0; i < Long.BYTES; i++) {
            out.write((int) (value >>> (Byte.SIZE * i)));
        }
        return this;
    }

    /** An unsigned number of {@code bytes} bytes. */
    public ScaleWriter unsigned(BigInteger value, int bytes) {
        if (value.signum() < 0 || value.bitLength() > bytes * Byte.SIZE) {
            throw outOfRange(value, "u" + bytes * Byte.SIZE);
        }
        return fixed(value, bytes);
    }

    /** A number in two's complement of {@code bytes} bytes. */
    public ScaleWriter signed(BigInteger value, int bytes) {
        if (value.bitLength() >= bytes * Byte.SIZE) {
            throw outOfRange(value, "i" + bytes * Byte.SIZE);
        }
        return fixed(value, bytes);
    }

    /** A truth value, and whether an optional value follows: one byte, 0 or 1. */
    public ScaleWriter bool(boolean value) {
        return u8(value ? 1 : 0);
    }

    /** A compact number, 0 or more. */
    public ScaleWriter compact(long value) {
        return compact(BigInteger.valueOf(value));
    }

    /** A compact number, 0 or more, of 67 bytes at most. */
    public ScaleWriter compact(BigInteger value) {
        int bytes = (value.bitLength() + Byte.SIZE - 1) / Byte.SIZE;
        if (value.signum() < 0 || bytes > ScaleReader.MAX_COMPACT_BYTES) {
            throw outOfRange(value, "a compact number");
        }
        if (value.compareTo(FOUR_BYTES) >= 0) {
            return u8((bytes - 4) << 2 | 3).fixed(value, bytes);
        }
        long small = value.longValue();
        if (small < 1 << 6) {
            return u8((int) small << 2);
        }
        return small < 1 << 14 ? u16((int) small << 2 | 1) : u32(small << 2 | 2);
    }

    /** These bytes as they are. */
    public ScaleWriter bytes(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    /** A list of bytes: its length, then the bytes. */
    public ScaleWriter byteList(byte[] bytes) {
        return compact(bytes.length).bytes(bytes);
    }

    /** A text, as a list of its bytes in UTF-8. */
    public ScaleWriter text(String text) {
        return byteList(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Bytes written so far. */
    public int size() {
        return out.size();
    }

    /** What was written. */
    public byte[] toBytes() {
        return out.toByteArray();
    }

    private ScaleWriter fixed(BigInteger value, int bytes) {
        byte[] digits = value.toByteArray(); // the highest byte first, perhaps one more for the sign
        int fill = value.signum() < 0 ? 0xFF : 0;
        for (int i = 0; i < bytes; i++) {
            out.write(i < digits.length ? digits[digits.length - 1 - i] : fill);
        }
        return this;
    }

    private ScaleWriter little(long value, int bytes) {
        if (value < 0 || value >>> (bytes * Byte.SIZE) != 0) {
            throw outOfRange(value, "u" + bytes * Byte.SIZE);
        }
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> (Byte.SIZE * i)));
        }
        return this;
    }

    private static IllegalArgumentException outOfRange(Object value, String type) {
        return new IllegalArgumentException(value + " does not fit " + type);
    }
}
