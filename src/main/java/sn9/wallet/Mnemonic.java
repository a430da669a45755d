package sn9.wallet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.bouncycastle.crypto.digests.SHA512Digest;
import org.bouncycastle.crypto.generators.PKCS5S2ParametersGenerator;
import org.bouncycastle.crypto.params.KeyParameter;
import sn9.Secret;

/**
 * The words a key is backed up as: BIP39's English ones over entropy and checksum. The seed is Substrate's, which is made
 * of the entropy, not of the words (paritytech/substrate-bip39). Closing it wipes the entropy.
 */
public final class Mnemonic implements AutoCloseable {
    /** Numbers of words there can be. */
    public static final List<Integer> WORD_COUNTS = List.of(12, 15, 18, 21, 24);

    private static final int BITS_PER_WORD = 11;
    private static final int ROUNDS = 2048;
    private static final List<String> WORDS = words("bip39-english.txt");

    private final byte[] entropy; // 4 bytes for every 3 words

    private Mnemonic(byte[] entropy) {
        this.entropy = entropy;
    }

    /** A new one of 12, 15, 18, 21 or 24 words. */
    public static Mnemonic generate(int wordCount) {
        if (!WORD_COUNTS.contains(wordCount)) {
            throw new IllegalArgumentException("a mnemonic has " + WORD_COUNTS + " words, found " + wordCount);
        }
        byte[] entropy = new byte[wordCount / 3 * 4];
        new SecureRandom().nextBytes(entropy);
        return new Mnemonic(entropy);
    }

    /**
     * Reads words with any white space between and around them.
     *
     * @throws IllegalArgumentException when their number, one of them or the checksum is wrong; the message names a word
     *     by its place only
     */
    public static Mnemonic parse(CharSequence phrase) {
        int[] indices = indices(phrase);
        byte[] bits = new byte[(indices.length * BITS_PER_WORD + 7) / 8];
        for (int i = 0; i < indices.length * BITS_PER_WORD; i++) {
            int bit = indices[i / BITS_PER_WORD] >> (BITS_PER_WORD - 1 - i % BITS_PER_WORD) & 1;
            bits[i / 8] |= (byte) (bit << (7 - i % 8));
        }
        byte[] entropy = Arrays.copyOf(bits, indices.length / 3 * 4);
        int checksum = bits[entropy.length] & 0xff;
        Arrays.fill(indices, 0);
        Arrays.fill(bits, (byte) 0);
        if (checksum != checksum(entropy)) {
            throw new IllegalArgumentException(
                    "the checksum of the mnemonic is wrong: is a word mistyped or out of its place?");
        }
        return new Mnemonic(entropy);
    }

    /** The words with one blank between them, to be shown or stored once; the caller wipes them. */
    public char[] phrase() {
        int count = entropy.length / 4 * 3;
        byte[] bits = Arrays.copyOf(entropy, entropy.length + 1);
        bits[entropy.length] = (byte) checksum(entropy);
        var phrase = CharBuffer.allocate(count * 9);
        for (int word = 0; word < count; word++) {
            int index = 0;
            for (int i = word * BITS_PER_WORD; i < (word + 1) * BITS_PER_WORD; i++) {
                index = index << 1 | bits[i / 8] >> (7 - i % 8) & 1;
            }
            phrase.put(word == 0 ? "" : " ").put(WORDS.get(index));
        }
        char[] exact = Arrays.copyOf(phrase.array(), phrase.position());
        Arrays.fill(phrase.array(), '\0');
        Arrays.fill(bits, (byte) 0);
        return exact;
    }

    /**
     * The mini secret of 32 bytes, which the caller wipes.
     *
     * @param passphrase what Substrate calls the password of a secret URI; empty for none
     */
    public byte[] seed(CharSequence passphrase) {
        ByteBuffer utf8 = StandardCharsets.UTF_8.encode(CharBuffer.wrap(passphrase));
        byte[] salt = new byte[8 + utf8.remaining()];
        System.arraycopy("mnemonic".getBytes(StandardCharsets.US_ASCII), 0, salt, 0, 8);
        utf8.get(salt, 8, utf8.remaining());
        var generator = new PKCS5S2ParametersGenerator(new SHA512Digest());
        generator.init(entropy, salt, ROUNDS);
        byte[] key = ((KeyParameter) generator.generateDerivedParameters(512)).getKey();
        byte[] seed = Arrays.copyOf(key, SecretKey.SEED_BYTES);
        Arrays.fill(key, (byte) 0);
        Arrays.fill(salt, (byte) 0);
        Arrays.fill(utf8.array(), (byte) 0);
        return seed;
    }

    @Override
    public void close() {
        Arrays.fill(entropy, (byte) 0);
    }

    @Override
    public String toString() {
        return Secret.MASK;
    }

    private static int[] indices(CharSequence phrase) {
        int most = WORD_COUNTS.getLast();
        int[] indices = new int[most];
        int count = 0;
        for (int at = 0; at < phrase.length(); ) {
            if (Character.isWhitespace(phrase.charAt(at))) {
                at++;
                continue;
            }
            int end = at;
            while (end < phrase.length() && !Character.isWhitespace(phrase.charAt(end))) {
                end++;
            }
            if (count == most) {
                throw new IllegalArgumentException("a mnemonic has " + WORD_COUNTS + " words, found more");
            }
            indices[count] = index(phrase.subSequence(at, end), count + 1);
            count++;
            at = end;
        }
        if (!WORD_COUNTS.contains(count)) {
            throw new IllegalArgumentException("a mnemonic has " + WORD_COUNTS + " words, found " + count);
        }
        return Arrays.copyOf(indices, count);
    }

    private static int index(CharSequence word, int place) {
        int index = Collections.binarySearch(WORDS, word, CharSequence::compare);
        if (index < 0) {
            throw new IllegalArgumentException("word " + place + " of the mnemonic is not in the English BIP39 list");
        }
        return index;
    }

    /** The first bits of the entropy's SHA-256, one for every four bytes, at the top of a byte. */
    private static int checksum(byte[] entropy) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(entropy);
            return hash[0] & 0xff & 0xff << (8 - entropy.length / 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java has no SHA-256", e);
        }
    }

    private static List<String> words(String resource) {
        try (var in = Mnemonic.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
