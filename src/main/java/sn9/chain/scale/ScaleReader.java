package sn9.chain.scale;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import sn9.MalformedDataException;

/**
 * Reads SCALE from bytes of elsewhere (paritytech/parity-scale-codec; spec/chain.md 3): little endian numbers, compact
 * lengths. Every length is held against the bytes left before anything is allocated; a compact number in a longer form than
 * needed is malformed, as it is for the runtime.
 */
public final class ScaleReader {
    /** Bytes of the largest compact number: six bits count them from 4 on. */
    static final int MAX_COMPACT_BYTES = 67;

    private final String source;
    private final ByteBuffer in;
    private long items = Long.MAX_VALUE; // of lists, that may still be counted

    /**
     * Starts at the first byte.
     *
     * @param source names the bytes in errors: a storage item, a runtime API
     */
    public ScaleReader(String source, byte[] bytes) {
        this.source = source;
        this.in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Bounds the items of all lists together that {@link #count} lets pass from now on. */
    void limitItems(long most) {
        items = most;
    }

    /** One byte, 0 to 255. */
    public int u8() throws MalformedDataException {
        need(Byte.BYTES);
        return in.get() & 0xFF;
    }

    /** Two bytes, 0 to 65,535. */
    public int u16() throws MalformedDataException {
        need(Short.BYTES);
        return in.getShort() & 0xFFFF;
    }

    /** Four bytes, 0 to 2^32 - 1. */
    public long u32() throws MalformedDataException {
        need(Integer.BYTES);
        return in.getInt() & 0xFFFF_FFFFL;
    }

    /** Eight bytes; the bits of an unsigned number. */
    public long u64() throws MalformedDataException {
        need(Long.BYTES);
        return in.getLong();
    }

    /** An unsigned number of {@code bytes} bytes. */
    public BigInteger unsigned(int bytes) throws MalformedDataException {
        return bytes < Long.BYTES ? BigInteger.valueOf(little(bytes)) : new BigInteger(1, reversed(bytes(bytes)));
    }

    /** A number in two's complement of {@code bytes} bytes. */
    public BigInteger signed(int bytes) throws MalformedDataException {
        return new BigInteger(reversed(bytes(bytes)));
    }

    /** A truth value: one byte, 0 or 1. */
    public boolean bool() throws MalformedDataException {
        return flag("a truth value");
    }

    /** Whether an optional value follows: one byte, 0 or 1. */
    public boolean option() throws MalformedDataException {
        return flag("an option");
    }

    /** A compact number of any size. */
    public BigInteger compact() throws MalformedDataException {
        need(Byte.BYTES);
        int mode = in.get(in.position()) & 3;
        if (mode < 3) {
            return BigInteger.valueOf(smallCompact());
        }
        int count = (u8() >>> 2) + 4;
        byte[] digits = bytes(count);
        if (digits[count - 1] == 0 || count == 4 && digits[3] >= 0 && digits[3] < 0x40) {
            throw malformed("expected the shortest form of a compact number, found one of " + count + " bytes");
        }
        return new BigInteger(1, reversed(digits));
    }

    /** A compact number from 0 to {@code max}. */
    public long compact(long max) throws MalformedDataException {
        BigInteger value = compact();
        if (value.compareTo(BigInteger.valueOf(max)) > 0) {
            throw malformed("expected a compact number up to " + max + ", found " + value);
        }
        return value.longValueExact();
    }

    /**
     * The number of items of a list, whose items take {@code itemBytes} or more each: no more than the bytes left can hold.
     *
     * @param itemBytes least bytes of an item, 1 or more
     */
    public int count(int itemBytes) throws MalformedDataException {
        BigInteger count = compact();
        if (count.compareTo(BigInteger.valueOf(in.remaining() / itemBytes)) > 0) {
            throw malformed("a list of " + count + " items cannot follow: " + in.remaining() + " bytes are left");
        }
        items -= count.intValueExact();
        if (items < 0) {
            throw malformed("lists of too many items altogether");
        }
        return count.intValueExact();
    }

    /** The next {@code count} bytes. */
    public byte[] bytes(int count) throws MalformedDataException {
        need(count);
        byte[] bytes = new byte[count];
        in.get(bytes);
        return bytes;
    }

    /** A list of bytes, with its length before it. */
    public byte[] byteList() throws MalformedDataException {
        BigInteger count = compact();
        if (count.compareTo(BigInteger.valueOf(in.remaining())) > 0) {
            throw malformed(count + " bytes cannot follow: " + in.remaining() + " are left");
        }
        return bytes(count.intValueExact());
    }

    /** A text: a list of bytes that are UTF-8. */
    public String text() throws MalformedDataException {
        byte[] bytes = byteList();
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new MalformedDataException(source, position() - bytes.length, "expected UTF-8", e);
        }
    }

    /** Bytes read so far. */
    public int position() {
        return in.position();
    }

    /** Bytes left. */
    public int remaining() {
        return in.remaining();
    }

    /** Refuses bytes that are left over. */
    public void end() throws MalformedDataException {
        if (in.hasRemaining()) {
            throw malformed("expected the end, found " + in.remaining() + " more bytes");
        }
    }

    /** An error at the present byte. */
    public MalformedDataException malformed(String reason) {
        return new MalformedDataException(source, in.position(), reason);
    }

    private long smallCompact() throws MalformedDataException {
        int mode = in.get(in.position()) & 3;
        long value =
                switch (mode) {
                    case 0 -> u8() >>> 2;
                    case 1 -> u16() >>> 2;
                    default -> u32() >>> 2;
                };
        if (mode > 0 && value < (mode == 1 ? 1 << 6 : 1 << 14)) {
            throw malformed("expected the shortest form of a compact number, found " + value + " in mode " + mode);
        }
        return value;
    }

    private boolean flag(String what) throws MalformedDataException {
        int flag = u8();
        if (flag > 1) {
            throw malformed("expected 0 or 1 for " + what + ", found " + flag);
        }
        return flag == 1;
    }

    private long little(int bytes) throws MalformedDataException {
        need(bytes);
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (in.get() & 0xFFL) << (Byte.SIZE * i);
        }
        return value;
    }

    private void need(int bytes) throws MalformedDataException {
        if (bytes < 0 || bytes > in.remaining()) {
            throw malformed("ends too early: expected " + bytes + " more bytes, found " + in.remaining());
        }
    }

    static byte[] reversed(byte[] bytes) {
        byte[] reversed = Arrays.copyOf(bytes, bytes.length);
        for (int i = 0, j = bytes.length - 1; i < bytes.length; i++, j--) {
            reversed[i] = bytes[j];
        }
        return reversed;
    }
}
