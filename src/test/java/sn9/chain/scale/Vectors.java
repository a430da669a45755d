package sn9.chain.scale;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.math.BigInteger;
import java.util.HexFormat;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import sn9.testing.SharedFiles;

/** Vectors made with polkadot-js: the small ones lie in the repository, those that need metadata beside it. */
final class Vectors {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Vectors() {}

    static JsonNode small(String part) throws IOException {
        try (var in = Vectors.class.getResourceAsStream("scale-vectors.json")) {
            return JSON.readTree(in).get(part);
        }
    }

    static Stream<JsonNode> runtimes() throws IOException {
        return stream(shared("spec/chain-vectors.json").get("runtimes"));
    }

    static JsonNode shared(String name) throws IOException {
        return JSON.readTree(SharedFiles.file(name).toFile());
    }

    static Metadata metadata(String file) throws IOException {
        return MetadataReader.read(file, SharedFiles.bytes("chain/" + file));
    }

    static Stream<JsonNode> stream(JsonNode node) {
        return StreamSupport.stream(node.spliterator(), false);
    }

    static byte[] hex(JsonNode node) {
        return hex(node.asText());
    }

    static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.substring(2));
    }

    static String hex(byte[] bytes) {
        return "0x" + HexFormat.of().formatHex(bytes);
    }

    static BigInteger number(JsonNode node) {
        return new BigInteger(node.asText());
    }
}
