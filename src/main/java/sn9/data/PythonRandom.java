package sn9.data;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.random.RandomGenerator;

/**
 * CPython's {@code random.Random} after {@code seed(n)} with a whole number: MT19937 of Matsumoto and Nishimura
 * (python/cpython:Modules/_randommodule.c, Lib/random.py), so that a draw equals the one the network's Python makes
 * (spec/subnet.md C 7). Bounded numbers take the top bits of a word and reject what is too large, as
 * {@code randrange}, {@code choice} and {@code shuffle} do. Belongs to one thread.
 */
public final class PythonRandom implements RandomGenerator {
    private static final int WORDS = 624;
    private static final int MIDDLE = 397;
    private static final int TWIST = 0x9908b0df;

    private final int[] state = new int[WORDS];
    private int next = WORDS;

    /** As {@code random.seed(seed)}; the sign does not count there either. */
    public PythonRandom(BigInteger seed) {
        int[] key = key(seed.abs());
        initialise(19650218);
        int i = 1;
        int j = 0;
        for (int k = Math.max(WORDS, key.length); k > 0; k--) {
            state[i] = (state[i] ^ (state[i - 1] ^ state[i - 1] >>> 30) * 1664525) + key[j] + j;
            i = wrapped(i + 1);
            j = (j + 1) % key.length;
        }
        for (int k = WORDS - 1; k > 0; k--) {
            state[i] = (state[i] ^ (state[i - 1] ^ state[i - 1] >>> 30) * 1566083941) - i;
            i = wrapped(i + 1);
        }
        state[0] = 0x80000000;
    }

    /** As {@code random.seed(seed)}. */
    public PythonRandom(long seed) {
        this(BigInteger.valueOf(seed));
    }

    /** The generator that validators of release C share at a block: seeded by SHA-256 of the hash's text, 0x included. */
    public static PythonRandom ofBlockHash(String hash) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(hash.getBytes(StandardCharsets.US_ASCII));
            return new PythonRandom(new BigInteger(1, digest));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The next word, {@code getrandbits(32)}. */
    @Override
    public int nextInt() {
        if (next == WORDS) {
            twist();
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= y << 7 & 0x9d2c5680;
        y ^= y << 15 & 0xefc60000;
        return y ^ y >>> 18;
    }

    /** {@code getrandbits(64)}: two words, the low one first. */
    @Override
    public long nextLong() {
        return nextInt() & 0xFFFF_FFFFL | (long) nextInt() << 32;
    }

    /** {@code randrange(bound)}. */
    @Override
    public int nextInt(int bound) {
        return (int) nextLong(bound);
    }

    /** {@code randrange(bound)}: as many top bits as the bound has, drawn again while they reach it. */
    @Override
    public long nextLong(long bound) {
        if (bound < 1) {
            throw new IllegalArgumentException("bound is " + bound + ", expected 1 or more");
        }
        int bits = Long.SIZE - Long.numberOfLeadingZeros(bound);
        long drawn = bits(bits);
        while (drawn >= bound) {
            drawn = bits(bits);
        }
        return drawn;
    }

    /** {@code randrange(origin, bound)}. */
    @Override
    public long nextLong(long origin, long bound) {
        return origin + nextLong(Math.subtractExact(bound, origin));
    }

    /** {@code getrandbits(count)}, 1 to 63. */
    private long bits(int count) {
        if (count <= Integer.SIZE) {
            return (nextInt() & 0xFFFF_FFFFL) >>> Integer.SIZE - count;
        }
        long low = nextInt() & 0xFFFF_FFFFL;
        return (nextInt() & 0xFFFF_FFFFL) >>> Long.SIZE - count << 32 | low;
    }

    private void initialise(int seed) {
        state[0] = seed;
        for (int i = 1; i < WORDS; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ state[i - 1] >>> 30) + i;
        }
    }

    private int wrapped(int i) {
        if (i < WORDS) {
            return i;
        }
        state[0] = state[WORDS - 1];
        return 1;
    }

    private void twist() {
        for (int i = 0; i < WORDS; i++) {
            int y = state[i] & 0x80000000 | state[(i + 1) % WORDS] & 0x7fffffff;
            state[i] = state[(i + MIDDLE) % WORDS] ^ y >>> 1 ^ ((y & 1) == 0 ? 0 : TWIST);
        }
        next = 0;
    }

    /** The number as words, the lowest first; one zero for zero. */
    private static int[] key(BigInteger seed) {
        var key = new int[Math.max(1, (seed.bitLength() + Integer.SIZE - 1) / Integer.SIZE)];
        for (int i = 0; i < key.length; i++) {
            key[i] = seed.shiftRight(Integer.SIZE * i).intValue();
        }
        return key;
    }
}
