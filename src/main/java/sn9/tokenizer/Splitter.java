package sn9.tokenizer;

/**
 * Cuts UTF-8 into the pieces of GPT-2's published pattern (openai/gpt-2:src/encoder.py), by hand because a regex engine
 * is what costs most of a tokenizer's time:
 *
 * <pre>{@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}</pre>
 *
 * {@code \s} is Unicode's White_Space, {@code \p{L}} and {@code \p{N}} are general categories as this Java knows them.
 */
final class Splitter {
    private static final byte OTHER = 0;
    private static final byte LETTER = 1;
    private static final byte NUMBER = 2;
    private static final byte SPACE = 3;

    /** The kind of each code point of the basic plane. */
    private static final byte[] KINDS = kinds();

    private Splitter() {}

    /** Where the piece that begins at {@code from} ends; the bytes are whole characters of well-formed UTF-8. */
    static int end(byte[] utf8, int from, int limit) {
        byte first = utf8[from];
        if (first == '\'') {
            int contraction = contraction(utf8, from + 1, limit);
            if (contraction > 0) {
                return from + 1 + contraction;
            }
        }
        int start = first == ' ' && from + 1 < limit ? from + 1 : from;
        byte kind = kind(utf8, start);
        if (kind == SPACE) {
            return spaces(utf8, from, limit);
        }
        int at = start + length(utf8[start]);
        while (at < limit && kind(utf8, at) == kind) {
            at += length(utf8[at]);
        }
        return at;
    }

    /** Letters of the contraction behind an apostrophe, 0 when there is none. */
    private static int contraction(byte[] utf8, int at, int limit) {
        if (at == limit) {
            return 0;
        }
        byte next = at + 1 < limit ? utf8[at + 1] : 0;
        return switch (utf8[at]) {
            case 's', 't', 'm', 'd' -> 1;
            case 'r', 'v' -> next == 'e' ? 2 : 0;
            case 'l' -> next == 'l' ? 2 : 0;
            default -> 0;
        };
    }

    /** The end of some blanks: the last one is left to the word behind it, unless it is the only one. */
    private static int spaces(byte[] utf8, int from, int limit) {
        int last = from;
        int at = from + length(utf8[from]);
        while (at < limit && kind(utf8, at) == SPACE) {
            last = at;
            at += length(utf8[at]);
        }
        return at == limit || last == from ? at : last;
    }

    private static byte kind(byte[] utf8, int at) {
        byte lead = utf8[at];
        if (lead >= 0) {
            return KINDS[lead];
        }
        return switch (length(lead)) {
            case 2 -> KINDS[(lead & 0x1F) << 6 | utf8[at + 1] & 0x3F];
            case 3 -> KINDS[(lead & 0x0F) << 12 | (utf8[at + 1] & 0x3F) << 6 | utf8[at + 2] & 0x3F];
            default ->
                kind((lead & 0x07) << 18
                        | (utf8[at + 1] & 0x3F) << 12
                        | (utf8[at + 2] & 0x3F) << 6
                        | utf8[at + 3] & 0x3F);
        };
    }

    /** Bytes of the character that begins with this one. */
    private static int length(byte lead) {
        if (lead >= 0) {
            return 1;
        }
        return (lead & 0x20) == 0 ? 2 : (lead & 0x10) == 0 ? 3 : 4;
    }

    private static byte[] kinds() {
        var kinds = new byte[Character.MAX_VALUE + 1];
        for (int i = 0; i < kinds.length; i++) {
            kinds[i] = kind(i);
        }
        return kinds;
    }

    private static byte kind(int codePoint) {
        if (codePoint >= '\t' && codePoint <= '\r' || codePoint == 0x85) {
            return SPACE;
        }
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            default -> OTHER;
        };
    }
}
