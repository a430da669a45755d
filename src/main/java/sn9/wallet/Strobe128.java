package sn9.wallet;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The part of STROBE-128 v1.0.2 (strobe.sourceforge.io/specs) that Merlin uses: associated data, output and keying over
 * Keccak-f[1600], without transport.
 */
final class Strobe128 {
    /** Bytes of the state that data touches: 200 - 2 * 128 / 8 - 2. */
    private static final int RATE = 166;

    private static final int FLAG_I = 1;
    private static final int FLAG_A = 1 << 1;
    private static final int FLAG_C = 1 << 2;
    private static final int FLAG_M = 1 << 4;

    private final long[] lanes;
    private int position;
    private int operationBegin;
    private int operationFlags;

    /** A state bound to a protocol's name. */
    Strobe128(String protocol) {
        lanes = new long[KeccakF1600.LANES];
        byte[] header = {1, (byte) (RATE + 2), 1, 0, 1, 12 * 8};
        for (byte b : header) {
            xor(position++, b);
        }
        for (byte b : "STROBEv1.0.2".getBytes(StandardCharsets.US_ASCII)) {
            xor(position++, b);
        }
        KeccakF1600.permute(lanes);
        position = 0;
        metaAd(protocol.getBytes(StandardCharsets.UTF_8), false);
    }

    private Strobe128(Strobe128 other) {
        lanes = other.lanes.clone();
        position = other.position;
        operationBegin = other.operationBegin;
        operationFlags = other.operationFlags;
    }

    /** A state that goes its own way from here. */
    Strobe128 copy() {
        return new Strobe128(this);
    }

    /** Absorbs data about the protocol; {@code more} continues the operation before. */
    void metaAd(byte[] data, boolean more) {
        begin(FLAG_M | FLAG_A, more);
        absorb(data);
    }

    /** Absorbs data of the protocol. */
    void ad(byte[] data) {
        begin(FLAG_A, false);
        absorb(data);
    }

    /** Replaces a part of the state by a key, so that nobody without it can go back. */
    void key(byte[] key) {
        begin(FLAG_A | FLAG_C, false);
        for (byte b : key) {
            overwrite(position, b);
            advance();
        }
    }

    /** Bytes that depend on all that was absorbed. */
    byte[] prf(int length) {
        begin(FLAG_I | FLAG_A | FLAG_C, false);
        byte[] output = new byte[length];
        for (int i = 0; i < length; i++) {
            output[i] = (byte) (lanes[position >>> 3] >>> 8 * (position & 7));
            overwrite(position, (byte) 0);
            advance();
        }
        return output;
    }

    /** Forgets everything. */
    void wipe() {
        Arrays.fill(lanes, 0);
    }

    private void begin(int flags, boolean more) {
        if (more) {
            if (flags != operationFlags) {
                throw new IllegalStateException(
                        "an operation with flags " + operationFlags + " is continued with " + flags);
            }
            return;
        }
        byte[] framing = {(byte) operationBegin, (byte) flags};
        operationBegin = position + 1;
        operationFlags = flags;
        absorb(framing);
        if ((flags & FLAG_C) != 0 && position != 0) {
            permute();
        }
    }

    private void absorb(byte[] data) {
        for (byte b : data) {
            xor(position, b);
            advance();
        }
    }

    private void advance() {
        position++;
        if (position == RATE) {
            permute();
        }
    }

    private void permute() {
        xor(position, (byte) operationBegin);
        xor(position + 1, (byte) 0x04);
        xor(RATE + 1, (byte) 0x80);
        KeccakF1600.permute(lanes);
        position = 0;
        operationBegin = 0;
    }

    private void xor(int at, byte b) {
        lanes[at >>> 3] ^= (b & 0xffL) << 8 * (at & 7);
    }

    private void overwrite(int at, byte b) {
        int shift = 8 * (at & 7);
        lanes[at >>> 3] = lanes[at >>> 3] & ~(0xffL << shift) | (b & 0xffL) << shift;
    }
}
