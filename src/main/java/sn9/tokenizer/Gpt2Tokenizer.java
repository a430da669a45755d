package sn9.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * GPT-2's byte-level BPE with the ids of the Hugging Face tokenizer that the network uses (spec/hub.md 9). No token is
 * added at either end; the literal {@code <|endoftext|>} inside a text is the one token {@link #EOS}; a lone surrogate
 * counts as U+FFFD. Which pieces there are, {@link Splitter} says; {@link Merge} makes tokens of those that are no token
 * themselves.
 *
 * <p>Making one is free: the vocabulary (some 0.1 s) is loaded at the first call that needs it, once per process. Safe to
 * use from any number of threads. Time grows as n log n even for a text without a single blank.
 */
public final class Gpt2Tokenizer {
    /** The end-of-text token, which is also the last of the vocabulary. */
    public static final int EOS = 50256;

    /** How many tokens there are: ids are 0 to {@code VOCABULARY - 1}. */
    public static final int VOCABULARY = 50257;

    private static final String EOS_TEXT = "<|endoftext|>";

    /** Characters turned into bytes at once, so that a cut encoding need not read a long text to its end. */
    private static final int SEGMENT = 8192;

    /** Makes a tokenizer; nothing is loaded yet. */
    public Gpt2Tokenizer() {}

    /** The tokens of a whole text; none for an empty one. */
    public int[] encode(String text) {
        return encode(text, Integer.MAX_VALUE);
    }

    /**
     * The first tokens of a text: {@code encode(text)} cut at {@code maxTokens}, without reading much further than that.
     *
     * @throws IllegalArgumentException when {@code maxTokens} is negative
     */
    public int[] encode(String text, int maxTokens) {
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens is " + maxTokens + ", expected 0 or more");
        }
        String clean = wellFormed(text);
        var tokens = new Tokens(Math.min(maxTokens, clean.length() / 4 + 16));
        int from = 0;
        while (from < clean.length() && tokens.size < maxTokens) {
            int mark = clean.indexOf(EOS_TEXT, from);
            int end = mark < 0 ? clean.length() : mark;
            encodeOrdinary(clean, from, end, maxTokens, tokens);
            if (mark < 0) {
                break;
            }
            tokens.add(EOS);
            from = mark + EOS_TEXT.length();
        }
        return Arrays.copyOf(tokens.ids, Math.min(tokens.size, maxTokens));
    }

    /**
     * The text of some tokens. Bytes that are no UTF-8, as at a cut inside a character, become U+FFFD.
     *
     * @throws IllegalArgumentException when an id is outside the vocabulary
     */
    public String decode(int[] tokens) {
        for (int token : tokens) {
            if (token < 0 || token >= VOCABULARY) {
                throw new IllegalArgumentException(
                        "token " + token + " is outside GPT-2's vocabulary of " + VOCABULARY);
            }
        }
        var text = new StringBuilder();
        int from = 0;
        for (int i = 0; i <= tokens.length; i++) {
            if (i == tokens.length || tokens[i] == EOS) {
                byte[] bytes = Vocabulary.gpt2().bytes(Arrays.copyOfRange(tokens, from, i));
                text.append(new String(bytes, StandardCharsets.UTF_8)).append(i < tokens.length ? EOS_TEXT : "");
                from = i + 1;
            }
        }
        return text.toString();
    }

    /** The same text with each lone surrogate, which no UTF-8 can hold, replaced by U+FFFD. */
    public static String wellFormed(String text) {
        int fault = loneSurrogate(text, 0);
        if (fault < 0) {
            return text;
        }
        var repaired = new StringBuilder(text);
        while (fault >= 0) {
            repaired.setCharAt(fault, '\uFFFD');
            fault = loneSurrogate(repaired, fault + 1);
        }
        return repaired.toString();
    }

    private static int loneSurrogate(CharSequence text, int from) {
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isLowSurrogate(c)
                    || i + 1 == text.length()
                    || !Character.isLowSurrogate(text.charAt(i + 1))) {
                return i;
            }
            i++;
        }
        return -1;
    }

    private static void encodeOrdinary(String text, int from, int end, int maxTokens, Tokens tokens) {
        while (from < end && tokens.size < maxTokens) {
            int cut = segmentEnd(text, from, end);
            encodeSegment(text.substring(from, cut).getBytes(StandardCharsets.UTF_8), maxTokens, tokens);
            from = cut;
        }
    }

    private static void encodeSegment(byte[] utf8, int maxTokens, Tokens tokens) {
        Vocabulary vocabulary = Vocabulary.gpt2();
        Merge merge = null;
        int from = 0;
        while (from < utf8.length && tokens.size < maxTokens) {
            int end = Splitter.end(utf8, from, utf8.length);
            int word = vocabulary.word(utf8, from, end);
            if (word != Vocabulary.NONE) {
                tokens.add(word);
            } else {
                merge = merge == null ? new Merge(vocabulary) : merge;
                int count = merge.run(utf8, from, end);
                for (int i = 0; i < count; i++) {
                    tokens.add(merge.token(i));
                }
            }
            from = end;
        }
    }

    /**
     * Where a text can be cut without changing a token: before a blank that follows a visible character. No alternative
     * of GPT-2's splitting pattern matches across that place (blanks only ever lead a piece), and none looks behind.
     */
    private static int segmentEnd(String text, int from, int end) {
        for (int i = from + SEGMENT; i < end; i++) {
            char blank = text.charAt(i);
            char before = text.charAt(i - 1);
            if ((blank == ' ' || blank == '\n') && (before > ' ' && before < 0x7F || Character.isLetter(before))) {
                return i;
            }
        }
        return end;
    }

    /** A growing array of ids. */
    private static final class Tokens {
        private int[] ids;
        private int size;

        private Tokens(int capacity) {
            ids = new int[Math.max(capacity, 16)];
        }

        private void add(int id) {
            if (size == ids.length) {
                ids = Arrays.copyOf(ids, size + size / 2);
            }
            ids[size++] = id;
        }
    }
}
