package sn9.wallet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.provider.Arguments;

/** What @polkadot/util-crypto 14.0.3 and libsodium made of known inputs (key-vectors.json). */
final class KeyVectors {
    private static final JsonNode ALL = read();

    private KeyVectors() {}

    /** The entry of that name. */
    static JsonNode of(String name) {
        return ALL.get(name);
    }

    /** One test per entry of a list, each with these fields as texts. */
    static Stream<Arguments> cases(String list, String... fields) {
        return StreamSupport.stream(ALL.get(list).spliterator(), false)
                .map(entry -> Arguments.of(Stream.of(fields)
                        .map(field -> (Object) entry.get(field).asText())
                        .toArray()));
    }

    /** The bytes of hexadecimal digits, which may follow 0x. */
    static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.startsWith("0x") ? digits.substring(2) : digits);
    }

    /** Texts of a list. */
    static List<String> texts(String list) {
        return StreamSupport.stream(ALL.get(list).spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    private static JsonNode read() {
        try (var in = KeyVectors.class.getResourceAsStream("key-vectors.json")) {
            return new ObjectMapper().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
