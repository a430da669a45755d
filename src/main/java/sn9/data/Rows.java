package sn9.data;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import sn9.MalformedDataException;
import sn9.tokenizer.Gpt2Tokenizer;

/**
 * How a document's UTF-8 bytes fall into rows: at most {@link #MAX_BYTES} each, ending at the last sentence end that fits,
 * else at the last blank, else between two characters; blanks around a row are dropped. Working on bytes lets a row be
 * found again by its place in the file.
 */
final class Rows {
    /** Bytes in a row, at most. */
    static final int MAX_BYTES = 3000;

    /** Receives the rows of one document in order. */
    interface Sink<E extends Exception> {
        /** One row is {@code bytes[from, to)}; it is never empty. */
        void row(int from, int to) throws E;
    }

    private Rows() {}

    /** Cuts a whole document, {@code bytes[0, length)}. */
    static <E extends Exception> void split(byte[] bytes, int length, Sink<E> sink) throws E {
        int from = skipBlanks(bytes, 0, length);
        while (from < length) {
            int end = end(bytes, from, length);
            sink.row(from, trim(bytes, from, end));
            from = skipBlanks(bytes, end, length);
        }
    }

    /** The rows of a text; a lone surrogate in it counts as U+FFFD. */
    static List<String> of(String text) {
        byte[] bytes = bytes(text);
        var rows = new ArrayList<String>();
        split(bytes, bytes.length, (from, to) -> rows.add(new String(bytes, from, to - from, StandardCharsets.UTF_8)));
        return rows;
    }

    /** A text in UTF-8; a lone surrogate in it counts as U+FFFD. */
    static byte[] bytes(String text) {
        return Gpt2Tokenizer.wellFormed(text).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Where the row that begins at {@code from} ends. The caller shows at least {@code MAX_BYTES + 1} bytes unless the
     * document ends at {@code limit}.
     */
    static int end(byte[] bytes, int from, int limit) {
        if (limit - from <= MAX_BYTES) {
            return limit;
        }
        int farthest = from + MAX_BYTES;
        int blank = -1;
        for (int i = farthest; i > from; i--) {
            if (isBlank(bytes[i])) {
                if (endsSentence(bytes, from, i) || i > from + 1 && bytes[i] == '\n' && bytes[i - 1] == '\n') {
                    return i;
                }
                blank = blank < 0 ? i : blank;
            } else if (endsWideSentence(bytes, from, i)) {
                return i;
            }
        }
        if (blank > from) {
            return blank;
        }
        int end = farthest;
        while (end > farthest - 3 && (bytes[end] & 0xC0) == 0x80) {
            end--;
        }
        return end;
    }

    /** The first place from {@code from} on that holds no blank, or {@code limit}. */
    static int skipBlanks(byte[] bytes, int from, int limit) {
        while (from < limit && isBlank(bytes[from])) {
            from++;
        }
        return from;
    }

    /** The end of the row without the blanks before it. */
    static int trim(byte[] bytes, int from, int end) {
        while (end > from && isBlank(bytes[end - 1])) {
            end--;
        }
        return end;
    }

    /**
     * Decodes UTF-8 strictly.
     *
     * @param source names the file in the error
     * @param position place of {@code bytes[from]} in that file, or -1 when it has none
     * @throws MalformedDataException at the first byte that is no UTF-8
     */
    static String decode(byte[] bytes, int from, int length, String source, long position)
            throws MalformedDataException {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes, from, length);
        CharBuffer out = CharBuffer.allocate(length);
        CoderResult result = decoder.decode(in, out, true);
        if (result.isError()) {
            throw new MalformedDataException(
                    source,
                    position < 0 ? -1 : position + in.position() - from,
                    "expected UTF-8 text, found byte 0x%02x where no character can have it; convert the file to UTF-8"
                            .formatted(bytes[in.position()]));
        }
        return out.flip().toString();
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b >= '\t' && b <= '\r';
    }

    /** Whether the text before the blank at {@code i} ends with a full stop, closing quotes and brackets aside. */
    private static boolean endsSentence(byte[] bytes, int from, int i) {
        int at = i - 1;
        while (at > from && isCloser(bytes, at)) {
            // The three bytes of U+2019 or U+201D, or one ASCII byte.
            at -= bytes[at] < 0 ? 3 : 1;
        }
        return at >= from && (bytes[at] == '.' || bytes[at] == '!' || bytes[at] == '?');
    }

    private static boolean isCloser(byte[] bytes, int at) {
        byte b = bytes[at];
        if (b == '"' || b == '\'' || b == ')' || b == ']') {
            return true;
        }
        return at >= 2
                && (b == (byte) 0x99 || b == (byte) 0x9D)
                && bytes[at - 1] == (byte) 0x80
                && bytes[at - 2] == (byte) 0xE2;
    }

    /** Whether the ideographic full stop, or a full-width ! or ?, ends right before {@code i}. */
    private static boolean endsWideSentence(byte[] bytes, int from, int i) {
        if (i - from < 3) {
            return false;
        }
        int code = (bytes[i - 3] & 0xFF) << 16 | (bytes[i - 2] & 0xFF) << 8 | bytes[i - 1] & 0xFF;
        return code == 0xE38082 || code == 0xEFBC81 || code == 0xEFBC9F;
    }
}
