package sn9.tokenizer;

import com.knuddels.jtokkit.api.EncodingType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/**
 * GPT-2's tokens: the bytes of each, the token of given bytes, and the token that two neighbours merge into, whose id is
 * also the merge's rank. The list is the one that jtokkit carries.
 *
 * <p>The list names no pairs. But while the bytes of a token are merged by lower ranks alone, exactly two parts remain, as
 * they did when the token was made; so the pairs are found again in the order of their ranks. For the same reason bytes
 * that are a token merge to that token, whatever stands beside them: a whole piece can be looked up at once.
 */
final class Vocabulary {
    /** No such token, no such merge; above every rank. */
    static final int NONE = Integer.MAX_VALUE;

    /** Merged tokens; with the 256 single bytes, all but the end of text. */
    private static final int SIZE = Gpt2Tokenizer.EOS;

    private static final int SLOTS = 1 << 17; // of both tables, which are so two fifths full

    private final byte[] bytes; // of all tokens, one after the other
    private final int[] ends; // where the bytes of each end
    private final int[] singles = new int[256]; // by byte
    private final long[] words = new long[SLOTS]; // hash of the bytes << 32 | token + 1, 0 where empty
    private final long[] pairs = new long[SLOTS]; // left << 48 | right << 32 | token + 1, 0 where empty

    private Vocabulary(byte[] bytes, int[] ends) {
        this.bytes = bytes;
        this.ends = ends;
        for (int token = 0; token < SIZE; token++) {
            addWord(token);
        }
        var merge = new Merge(this);
        for (int token = singles.length; token < SIZE; token++) {
            int parts = merge.run(bytes, begin(token), ends[token]);
            if (parts != 2) {
                throw new IllegalStateException("token " + token + " falls into " + parts + " parts, expected 2");
            }
            addPair(merge.token(0), merge.token(1), token);
        }
    }

    /** GPT-2's vocabulary, loaded at the first call. */
    static Vocabulary gpt2() {
        return Loaded.GPT2;
    }

    /** The token of one byte. */
    int single(byte b) {
        return singles[b & 0xFF];
    }

    /** The token that is exactly {@code text[from, to)}, or {@link #NONE}. */
    int word(byte[] text, int from, int to) {
        int hash = hash(text, from, to);
        for (int slot = slot(hash); words[slot] != 0; slot = slot + 1 & SLOTS - 1) {
            int token = (int) words[slot] - 1;
            if ((int) (words[slot] >>> 32) == hash && Arrays.equals(text, from, to, bytes, begin(token), ends[token])) {
                return token;
            }
        }
        return NONE;
    }

    /** The token that two neighbouring tokens merge into, or {@link #NONE}. */
    int pair(int left, int right) {
        int key = left << 16 | right;
        for (int slot = slot(key); pairs[slot] != 0; slot = slot + 1 & SLOTS - 1) {
            if ((int) (pairs[slot] >>> 32) == key) {
                return (int) pairs[slot] - 1;
            }
        }
        return NONE;
    }

    /** The bytes of some tokens, each below {@link Gpt2Tokenizer#EOS}. */
    byte[] bytes(int[] tokens) {
        int length = 0;
        for (int token : tokens) {
            length = Math.addExact(length, ends[token] - begin(token));
        }
        var joined = new byte[length];
        int at = 0;
        for (int token : tokens) {
            int count = ends[token] - begin(token);
            System.arraycopy(bytes, begin(token), joined, at, count);
            at += count;
        }
        return joined;
    }

    private int begin(int token) {
        return token == 0 ? 0 : ends[token - 1];
    }

    private void addWord(int token) {
        int from = begin(token);
        if (ends[token] - from == 1) {
            singles[bytes[from] & 0xFF] = token;
        }
        int hash = hash(bytes, from, ends[token]);
        add(words, hash, token);
    }

    private void addPair(int left, int right, int token) {
        add(pairs, left << 16 | right, token);
    }

    private static void add(long[] table, int key, int token) {
        int slot = slot(key);
        while (table[slot] != 0) {
            slot = slot + 1 & SLOTS - 1;
        }
        table[slot] = (long) key << 32 | token + 1;
    }

    private static int hash(byte[] text, int from, int to) {
        int hash = to - from;
        for (int i = from; i < to; i++) {
            hash = hash * 0x01000193 + text[i];
        }
        return hash;
    }

    /** The upper bits of a multiplication by the golden ratio, which all bits of the key reach. */
    private static int slot(int key) {
        return key * 0x9E3779B9 >>> Integer.SIZE - Integer.numberOfTrailingZeros(SLOTS);
    }

    /** Loaded with its class, at first use. */
    private static final class Loaded {
        private static final Vocabulary GPT2 = read();

        /** Reads lines of {@code base64 rank}, which count from 0. */
        private static Vocabulary read() {
            String list;
            try (InputStream in = EncodingType.class.getResourceAsStream("/com/knuddels/jtokkit/r50k_base.tiktoken")) {
                list = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
            } catch (IOException e) {
                throw new UncheckedIOException("the vocabulary cannot be read from our own jar", e);
            }
            var bytes = new byte[list.length()];
            var ends = new int[SIZE];
            int end = 0;
            int token = 0;
            for (String line : (Iterable<String>) list.lines()::iterator) {
                int blank = line.indexOf(' ');
                if (Integer.parseInt(line, blank + 1, line.length(), 10) != token) {
                    throw new IllegalStateException(
                            "line " + (token + 1) + " of the vocabulary is not of rank " + token);
                }
                byte[] word = Base64.getDecoder().decode(line.substring(0, blank));
                System.arraycopy(word, 0, bytes, end, word.length);
                end += word.length;
                ends[token++] = end;
            }
            if (token != SIZE) {
                throw new IllegalStateException("the vocabulary has " + token + " tokens, expected " + SIZE);
            }
            return new Vocabulary(Arrays.copyOf(bytes, end), ends);
        }
    }
}
