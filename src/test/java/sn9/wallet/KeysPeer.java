package sn9.wallet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** Our keys for another implementation to compare with (.ci/peers/polkadot): a question and an answer in JSON per line. */
final class KeysPeer {
    private static final ObjectMapper JSON = new ObjectMapper();

    private KeysPeer() {}

    /** Answers until standard input ends. */
    public static void main(String[] args) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
        }
    }

    private static Map<String, Object> answer(JsonNode question) throws IOException {
        return switch (question.get("ask").asText()) {
            case "key" -> key(question);
            case "verify" ->
                Map.of(
                        "good",
                        Sr25519.verify(
                                hex(question, "publicKey"), hex(question, "message"), hex(question, "signature")));
            case "decode" -> decode(question);
            case "keystore" -> keystore(question);
            default -> throw new IllegalArgumentException("unknown question " + question);
        };
    }

    private static Map<String, Object> key(JsonNode question) {
        try (var key = Keypair.fromUri(question.get("uri").asText())) {
            var answer = new LinkedHashMap<String, Object>();
            answer.put("publicKey", HexFormat.of().formatHex(key.publicKey()));
            answer.put(
                    "address",
                    Ss58.encode(key.publicKey(), question.get("prefix").asInt()));
            answer.put("signature", HexFormat.of().formatHex(key.sign(hex(question, "message"))));
            return answer;
        }
    }

    private static Map<String, Object> decode(JsonNode question) {
        byte[] key = Ss58.decode(
                question.get("address").asText(), question.get("prefix").asInt());
        return Map.of("publicKey", HexFormat.of().formatHex(key));
    }

    private static Map<String, Object> keystore(JsonNode question) throws IOException {
        byte[] json = JSON.writeValueAsBytes(question.get("keystore"));
        char[] password = question.get("password").asText().toCharArray();
        try (var key = PolkadotKeystore.read("keystore", json, password)) {
            return Map.of("address", key.address());
        }
    }

    private static byte[] hex(JsonNode question, String field) {
        return HexFormat.of().parseHex(question.get(field).asText());
    }
}
