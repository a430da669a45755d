package sn9.localnet.rpc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** The parameters of a request, by their place; one that is left out at the end is the same as null. */
record Params(JsonNode list) {
    static final int HASH_BYTES = 32;

    /** Keys of one question. */
    private static final int MAX_KEYS = 4_096;

    private JsonNode at(int place) {
        return list.isArray() && place < list.size() ? list.get(place) : MissingNode.getInstance();
    }

    boolean isAbsent(int place) {
        return at(place).isMissingNode() || at(place).isNull();
    }

    String text(int place) throws RpcException {
        if (!at(place).isTextual()) {
            throw RpcException.params("expected a text at place " + place);
        }
        return at(place).textValue();
    }

    byte[] bytes(int place) throws RpcException {
        return bytes(at(place), place);
    }

    Optional<byte[]> optionalBytes(int place) throws RpcException {
        return isAbsent(place) ? Optional.empty() : Optional.of(bytes(place));
    }

    /** The hash of a block, where one is given. */
    Optional<byte[]> hash(int place) throws RpcException {
        Optional<byte[]> hash = optionalBytes(place);
        if (hash.isPresent() && hash.get().length != HASH_BYTES) {
            throw RpcException.params("expected a hash of 32 bytes at place " + place);
        }
        return hash;
    }

    /** Several byte strings. */
    List<byte[]> keys(int place) throws RpcException {
        if (!at(place).isArray() || at(place).size() > MAX_KEYS) {
            throw RpcException.params("expected up to " + MAX_KEYS + " keys at place " + place);
        }
        List<byte[]> keys = new ArrayList<>();
        for (JsonNode key : at(place)) {
            keys.add(bytes(key, place));
        }
        return keys;
    }

    /** A whole number from 0 on, also in hexadecimal digits behind {@code 0x}. */
    long number(int place) throws RpcException {
        JsonNode number = at(place);
        try {
            if (number.isIntegralNumber() && number.canConvertToLong() && number.longValue() >= 0) {
                return number.longValue();
            }
            String digits = number.isTextual() ? number.textValue().replaceFirst("^0x", "") : "";
            if (!digits.isEmpty() && HexFormat.fromHexDigitsToLong(digits) >= 0) {
                return HexFormat.fromHexDigitsToLong(digits);
            }
        } catch (IllegalArgumentException e) {
            // falls through to what is said of everything else
        }
        throw RpcException.params("expected a whole number at place " + place);
    }

    private static byte[] bytes(JsonNode node, int place) throws RpcException {
        String text = node.isTextual() ? node.textValue() : "";
        try {
            if (text.startsWith("0x")) {
                return HexFormat.of().parseHex(text, 2, text.length());
            }
        } catch (IllegalArgumentException e) {
            // falls through to what is said of everything else
        }
        throw RpcException.params("expected hexadecimal digits behind 0x at place " + place);
    }
}
