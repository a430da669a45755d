package sn9.wallet;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * The fields of a keyfile's content: one JSON object of strings and nulls (opentensor/btwallet:src/keyfile.rs), or the
 * bare text that the first wallets wrote. Closing it wipes the values. No message repeats one.
 */
final class KeyfileReader implements AutoCloseable {
    /** No pooled buffers: the next parser would find these secrets in them. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();

    private final String source;
    private final Map<String, char[]> fields = new HashMap<>();

    /**
     * Reads a keyfile's content.
     *
     * @param source the file's name, for messages
     * @throws MalformedDataException when it is neither JSON of that form nor bare text
     */
    KeyfileReader(String source, byte[] content) throws MalformedDataException {
        this.source = source;
        try {
            if (isJson(content)) {
                readJson(content);
            } else {
                readText(content);
            }
        } catch (MalformedDataException e) {
            close();
            throw e;
        }
    }

    /**
     * The key of the secret that is there, in btwallet's order: words, seed, expanded secret.
     *
     * @throws MalformedDataException when there is none, it is malformed, or its address is not the one beside it
     */
    Keypair keypair() throws MalformedDataException {
        Optional<String> expected = statedAddress();
        Keypair key = secret(expected);
        if (expected.isPresent() && !expected.get().equals(key.address())) {
            key.close();
            throw malformed("its secret is of address " + key.address() + ", it says " + expected.get());
        }
        return key;
    }

    /**
     * The address the file states.
     *
     * @throws MalformedDataException when it states none, it is malformed, or its public key is another one
     */
    String address() throws MalformedDataException {
        return statedAddress().orElseThrow(() -> malformed("expected ss58Address or publicKey, found neither"));
    }

    @Override
    public void close() {
        fields.values().forEach(value -> Arrays.fill(value, '\0'));
        fields.clear();
    }

    private Keypair secret(Optional<String> expected) throws MalformedDataException {
        try {
            if (fields.containsKey("secretPhrase")) {
                try (var mnemonic = Mnemonic.parse(CharBuffer.wrap(fields.get("secretPhrase")))) {
                    return Keypair.fromMnemonic(mnemonic);
                }
            }
            for (String name : new String[] {"secretSeed", "privateKey"}) {
                if (fields.containsKey(name)) {
                    return ofBytes(name, expected);
                }
            }
        } catch (IllegalArgumentException e) {
            throw malformed(e.getMessage());
        }
        throw malformed("expected secretPhrase, secretSeed or privateKey, found none: it is a public file");
    }

    private Keypair ofBytes(String name, Optional<String> expected) throws MalformedDataException {
        byte[] bytes = hex(name);
        try {
            return switch (bytes.length) {
                case SecretKey.SEED_BYTES -> Keypair.fromSeed(bytes);
                case SecretKey.BYTES -> ofSecretKey(bytes, expected);
                default ->
                    throw malformed(name + " has " + bytes.length + " bytes, expected " + SecretKey.SEED_BYTES
                            + " of a seed or " + SecretKey.BYTES + " of a secret key");
            };
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /** Of schnorrkel's form, or else of polkadot-js', when only that one has the address stated. */
    private static Keypair ofSecretKey(byte[] bytes, Optional<String> expected) {
        try {
            Keypair key = Keypair.fromSecretKey(bytes);
            if (expected.isEmpty() || expected.get().equals(key.address()) || (bytes[0] & 7) != 0) {
                return key;
            }
            key.close();
        } catch (IllegalArgumentException e) {
            // Too large a scalar for schnorrkel's form: the other one decides.
        }
        return Keypair.fromEd25519SecretKey(bytes);
    }

    private Optional<String> statedAddress() throws MalformedDataException {
        Optional<String> stated = Optional.ofNullable(fields.get("ss58Address")).map(String::new);
        try {
            stated.ifPresent(Ss58::decode);
        } catch (IllegalArgumentException e) {
            throw malformed("ss58Address: " + e.getMessage());
        }
        for (String name : new String[] {"publicKey", "accountId"}) {
            if (fields.containsKey(name)) {
                byte[] key = hex(name);
                if (key.length != Ss58.KEY_BYTES) {
                    throw malformed(name + " has " + key.length + " bytes, expected " + Ss58.KEY_BYTES);
                }
                String address = Ss58.encode(key);
                if (stated.isPresent() && !stated.get().equals(address)) {
                    throw malformed(name + " is of address " + address + ", ss58Address says " + stated.get());
                }
                stated = Optional.of(address);
            }
        }
        return stated;
    }

    private byte[] hex(String name) throws MalformedDataException {
        char[] value = fields.get(name);
        int start = value.length > 1 && value[0] == '0' && value[1] == 'x' ? 2 : 0;
        var digits = CharBuffer.wrap(value, start, value.length - start);
        if (digits.length() % 2 != 0 || !digits.chars().allMatch(HexFormat::isHexDigit)) {
            throw malformed(name + " is not an even number of hexadecimal digits");
        }
        return HexFormat.of().parseHex(digits);
    }

    private static boolean isJson(byte[] content) {
        for (byte b : content) {
            if (b > ' ' || b < 0) {
                return b == '{';
            }
        }
        return true; // nothing at all: the parser says so
    }

    private void readJson(byte[] content) throws MalformedDataException {
        try (JsonParser parser = JSON.createParser(content)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw malformed("expected a JSON object, found nothing");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                switch (parser.nextToken()) {
                    case VALUE_STRING -> keep(name, parser);
                    case VALUE_NULL -> {}
                    default -> throw malformed("expected strings and nulls only");
                }
            }
            if (parser.nextToken() != null) {
                throw malformed("expected nothing after the JSON object");
            }
        } catch (MalformedDataException e) {
            throw e;
        } catch (JsonProcessingException e) {
            // The parser's own words may quote the text, a secret perhaps.
            long offset = e.getLocation() == null ? -1 : e.getLocation().getByteOffset();
            throw new MalformedDataException(source, offset, "not a JSON object of strings");
        } catch (IOException e) {
            throw malformed("not JSON in UTF-8");
        }
    }

    private void keep(String name, JsonParser parser) throws IOException {
        char[] buffer = parser.getTextCharacters();
        int start = parser.getTextOffset();
        int end = start + parser.getTextLength();
        fields.put(name, Arrays.copyOfRange(buffer, start, end));
        Arrays.fill(buffer, start, end, '\0');
    }

    /** Old wallets' public key as 0x and digits, or words of a secret. */
    private void readText(byte[] content) throws MalformedDataException {
        var text = StandardCharsets.ISO_8859_1.decode(ByteBuffer.wrap(content));
        char[] stripped = strip(text);
        Arrays.fill(text.array(), '\0');
        boolean digits = stripped.length == 2 + 2 * Ss58.KEY_BYTES && stripped[0] == '0' && stripped[1] == 'x';
        fields.put(digits ? "publicKey" : "secretPhrase", stripped);
        if (!digits && !CharBuffer.wrap(stripped).chars().allMatch(c -> c == ' ' || c >= 'a' && c <= 'z')) {
            throw malformed("expected a JSON object, or the encryption $NACL, $ANSIBLE_VAULT or gAAAAA");
        }
    }

    private static char[] strip(CharBuffer text) {
        int start = 0;
        int end = text.length();
        while (start < end && text.charAt(start) <= ' ') {
            start++;
        }
        while (end > start && text.charAt(end - 1) <= ' ') {
            end--;
        }
        return Arrays.copyOfRange(text.array(), start, end);
    }

    private MalformedDataException malformed(String reason) {
        return new MalformedDataException(source, -1, reason);
    }
}
