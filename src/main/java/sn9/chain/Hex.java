package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HexFormat;
import sn9.MalformedDataException;

/** Bytes as JSON-RPC has them: {@code 0x} and lower-case hexadecimal digits. */
final class Hex {
    /** Characters, or parts, of an answer that an error shows. */
    private static final int MAX_BRIEF = 120;

    private Hex() {}

    static String of(byte[] bytes) {
        return "0x" + HexFormat.of().formatHex(bytes);
    }

    /** The bytes of an answer; {@code source} names it in errors. */
    static byte[] bytes(String source, JsonNode node) throws MalformedDataException {
        String text = node.isTextual() ? node.textValue() : "";
        if (!text.startsWith("0x") || text.length() % 2 != 0) {
            throw new MalformedDataException(source, -1, "expected 0x and hexadecimal digits, found " + brief(node));
        }
        try {
            return HexFormat.of().parseHex(text, 2, text.length());
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(source, -1, "expected hexadecimal digits, found " + brief(node), e);
        }
    }

    /** A block hash: 32 bytes, kept as text. */
    static String hash(String source, JsonNode node) throws MalformedDataException {
        byte[] bytes = bytes(source, node);
        if (bytes.length != 32) {
            throw new MalformedDataException(source, -1, "expected a hash of 32 bytes, found " + brief(node));
        }
        return of(bytes);
    }

    /** A whole number as {@code 0x6c} or as JSON's own, from 0 to 2^63 - 1. */
    static long number(String source, JsonNode node) throws MalformedDataException {
        if (node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0) {
            return node.longValue();
        }
        try {
            if (node.isTextual()
                    && node.textValue().startsWith("0x")
                    && node.textValue().length() > 2) {
                long number = HexFormat.fromHexDigitsToLong(
                        node.textValue(), 2, node.textValue().length());
                if (number >= 0) {
                    return number;
                }
            }
        } catch (IllegalArgumentException _) {
            // Reported below.
        }
        throw new MalformedDataException(source, -1, "expected a whole number, found " + brief(node));
    }

    /** A list of whatever. */
    static JsonNode list(String source, JsonNode node) throws MalformedDataException {
        if (!node.isArray()) {
            throw new MalformedDataException(source, -1, "expected a list, found " + brief(node));
        }
        return node;
    }

    /** The beginning of an answer, for errors; a large one is not written out for that. */
    static String brief(JsonNode node) {
        if (node.size() > MAX_BRIEF) {
            return (node.isArray() ? "a list of " : "an object of ") + node.size();
        }
        String text = node.isTextual() ? node.textValue() : node.toString();
        String shown = text.length() > MAX_BRIEF ? text.substring(0, MAX_BRIEF) + "..." : text;
        return node.isTextual() ? '"' + shown.replaceAll("\\p{Cc}", " ") + '"' : shown;
    }
}
