package sn9.localnet;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * SS58 addresses of prefix 42 (spec/chain.md): base58 of the prefix byte, 32 bytes of key and two bytes of checksum, the
 * start of BLAKE2b-512 over {@code "SS58PRE"}, prefix and key.
 */
final class LocalAddress {
    private static final byte PREFIX = 42;
    private static final int KEY_BYTES = 32;
    private static final byte[] CHECKSUM_CONTEXT = "SS58PRE".getBytes(StandardCharsets.US_ASCII);
    private static final String BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    /** Bytes of a BLAKE2b block. */
    private static final int BLOCK_BYTES = 128;

    private static final int ROUNDS = 12;

    /** Initial state (RFC 7693, 2.6), the same as that of SHA-512. */
    private static final long[] IV = {
        0x6a09e667f3bcc908L, 0xbb67ae8584caa73bL, 0x3c6ef372fe94f82bL, 0xa54ff53a5f1d36f1L,
        0x510e527fade682d1L, 0x9b05688c2b3e6c1fL, 0x1f83d9abfb41bd6bL, 0x5be0cd19137e2179L
    };

    /** Order of the message words by round (RFC 7693, 2.7), a hexadecimal digit each; rounds 10 and 11 are 0 and 1. */
    private static final String[] SIGMA = {
        "0123456789abcdef",
        "ea489fd61c02b753",
        "b8c052fdae367194",
        "7931dcbe265a40f8",
        "905724afe1bc683d",
        "2c6a0b834d75fe19",
        "c51fed4a0763928b",
        "db7ec13950f4862a",
        "6fe9b308c2d714a5",
        "a2847615fb9e3cd0"
    };

    /** Indices of the four columns and four diagonals that a round mixes. */
    private static final int[][] MIXED = {
        {0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15},
        {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}
    };

    private LocalAddress() {}

    /** The address of a public key of 32 bytes. */
    static String ofKey(byte[] key) {
        if (key.length != KEY_BYTES) {
            throw new IllegalArgumentException("key has " + key.length + " bytes, expected " + KEY_BYTES);
        }
        byte[] checksum = blake2b512(ByteBuffer.allocate(CHECKSUM_CONTEXT.length + 1 + KEY_BYTES)
                .put(CHECKSUM_CONTEXT)
                .put(PREFIX)
                .put(key)
                .array());
        return base58(ByteBuffer.allocate(1 + KEY_BYTES + 2)
                .put(PREFIX)
                .put(key)
                .put(checksum, 0, 2)
                .array());
    }

    /** BLAKE2b-512 without key, of a message that fits one block of 128 bytes. */
    static byte[] blake2b512(byte[] message) {
        if (message.length > BLOCK_BYTES) {
            throw new IllegalArgumentException(
                    "message has " + message.length + " bytes, expected at most " + BLOCK_BYTES);
        }
        ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        block.put(0, message);

        long[] state = IV.clone();
        state[0] ^= 0x01010000L ^ 64; // depth 1, fan-out 1, no key, 64 bytes of digest
        long[] v = new long[16];
        System.arraycopy(state, 0, v, 0, 8);
        System.arraycopy(IV, 0, v, 8, 8);
        v[12] ^= message.length;
        v[14] = ~v[14]; // the last block
        for (int round = 0; round < ROUNDS; round++) {
            String sigma = SIGMA[round % SIGMA.length];
            for (int i = 0; i < MIXED.length; i++) {
                mix(v, MIXED[i], word(block, sigma, 2 * i), word(block, sigma, 2 * i + 1));
            }
        }
        ByteBuffer digest = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 8; i++) {
            digest.putLong(state[i] ^ v[i] ^ v[i + 8]);
        }
        return digest.array();
    }

    private static long word(ByteBuffer block, String sigma, int at) {
        return block.getLong(Long.BYTES * Character.digit(sigma.charAt(at), 16));
    }

    private static void mix(long[] v, int[] at, long x, long y) {
        v[at[0]] += v[at[1]] + x;
        v[at[3]] = Long.rotateRight(v[at[3]] ^ v[at[0]], 32);
        v[at[2]] += v[at[3]];
        v[at[1]] = Long.rotateRight(v[at[1]] ^ v[at[2]], 24);
        v[at[0]] += v[at[1]] + y;
        v[at[3]] = Long.rotateRight(v[at[3]] ^ v[at[0]], 16);
        v[at[2]] += v[at[3]];
        v[at[1]] = Long.rotateRight(v[at[1]] ^ v[at[2]], 63);
    }

    /** Base58 of bytes whose first is not zero. */
    private static String base58(byte[] bytes) {
        StringBuilder digits = new StringBuilder();
        BigInteger base = BigInteger.valueOf(BASE58.length());
        for (BigInteger rest = new BigInteger(1, bytes); rest.signum() > 0; rest = rest.divide(base)) {
            digits.append(BASE58.charAt(rest.mod(base).intValue()));
        }
        return digits.reverse().toString();
    }
}
