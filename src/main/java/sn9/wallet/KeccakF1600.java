package sn9.wallet;

import java.util.Arrays;

/** The permutation Keccak-f[1600] (FIPS 202, section 3.3) of 25 lanes; lane (x, y) stands at x + 5y. */
final class KeccakF1600 {
    /** Lanes of the state, eight bytes each, least significant byte first. */
    static final int LANES = 25;

    /** Constants of the 24 rounds (FIPS 202, section 3.2.5). */
    private static final long[] ROUND_CONSTANTS = {
        0x0000000000000001L, 0x0000000000008082L, 0x800000000000808aL, 0x8000000080008000L,
        0x000000000000808bL, 0x0000000080000001L, 0x8000000080008081L, 0x8000000000008009L,
        0x000000000000008aL, 0x0000000000000088L, 0x0000000080008009L, 0x000000008000000aL,
        0x000000008000808bL, 0x800000000000008bL, 0x8000000000008089L, 0x8000000000008003L,
        0x8000000000008002L, 0x8000000000000080L, 0x000000000000800aL, 0x800000008000000aL,
        0x8000000080008081L, 0x8000000000008080L, 0x0000000080000001L, 0x8000000080008008L
    };

    private KeccakF1600() {}

    /** Permutes the lanes in place. No branch and no index depends on their values. */
    static void permute(long[] lanes) {
        long[] columns = new long[5];
        for (long constant : ROUND_CONSTANTS) {
            theta(lanes, columns);
            rhoPi(lanes);
            chi(lanes, columns);
            lanes[0] ^= constant;
        }
        Arrays.fill(columns, 0); // it held a part of the state
    }

    private static void theta(long[] lanes, long[] parity) {
        for (int x = 0; x < 5; x++) {
            parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
        }
        for (int x = 0; x < 5; x++) {
            long mixed = parity[(x + 4) % 5] ^ Long.rotateLeft(parity[(x + 1) % 5], 1);
            for (int row = 0; row < LANES; row += 5) {
                lanes[row + x] ^= mixed;
            }
        }
    }

    /** Both steps in one walk over the 24 lanes but (0, 0): each is rotated on its way to its new place. */
    private static void rhoPi(long[] lanes) {
        int x = 1;
        int y = 0;
        long moved = lanes[x];
        for (int t = 0; t < LANES - 1; t++) {
            int next = (2 * x + 3 * y) % 5;
            x = y;
            y = next;
            long displaced = lanes[x + 5 * y];
            lanes[x + 5 * y] = Long.rotateLeft(moved, (t + 1) * (t + 2) / 2);
            moved = displaced;
        }
    }

    private static void chi(long[] lanes, long[] row) {
        for (int start = 0; start < LANES; start += 5) {
            System.arraycopy(lanes, start, row, 0, 5);
            for (int x = 0; x < 5; x++) {
                lanes[start + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
            }
        }
    }
}
