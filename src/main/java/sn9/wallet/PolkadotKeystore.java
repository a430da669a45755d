package sn9.wallet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.crypto.generators.SCrypt;
import sn9.MalformedDataException;

/**
 * Reads a key that polkadot-js exported as JSON, version 3: PKCS#8 in a secretbox whose key is scrypt of the password
 * (polkadot-js/common:packages/keyring/src/pair/decode.ts; packages/util-crypto/src/json/decryptData.ts).
 */
public final class PolkadotKeystore {
    private static final int SALT_BYTES = 32;

    /** Salt, then N, p and r of scrypt, 4 bytes each, little endian. */
    private static final int PARAMETERS_BYTES = SALT_BYTES + 12;

    /** The largest cost polkadot-js writes or reads: 128 MiB with r = 8. */
    private static final int MAX_N = 1 << 17;

    private static final int MAX_P = 10;
    private static final int R = 8;

    private static final byte[] PKCS8_HEAD = HexFormat.of().parseHex("3053020101300506032b657004220420");
    private static final byte[] PKCS8_DIVIDER = HexFormat.of().parseHex("a123032100");

    private PolkadotKeystore() {}

    /**
     * The key in a keystore, which the caller closes.
     *
     * @param password wiped by whoever made it
     * @throws WrongPasswordException when it does not open
     * @throws MalformedDataException when it is no encrypted sr25519 keystore of version 3, or of another address than it
     *     says
     */
    public static Keypair read(Path file, char[] password) throws IOException {
        return read(file.toString(), PrivateFiles.read(file), password);
    }

    static Keypair read(String source, byte[] json, char[] password)
            throws MalformedDataException, WrongPasswordException {
        JsonNode keystore = parse(source, json);
        require(source, keystore.path("encoding").path("version").asText().equals("3"), "encoding.version 3");
        require(
                source,
                words(keystore, "content").equals(Set.of("pkcs8", "sr25519")),
                "encoding.content pkcs8, sr25519");
        require(
                source,
                words(keystore, "type").equals(Set.of("scrypt", "xsalsa20-poly1305")),
                "encoding.type scrypt, xsalsa20-poly1305 (an export with a password)");
        byte[] encoded;
        try {
            encoded = Base64.getDecoder().decode(keystore.path("encoded").asText());
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(source, -1, "expected Base64 in encoded");
        }
        int boxAt = PARAMETERS_BYTES + SecretBox.NONCE_BYTES;
        require(source, encoded.length >= boxAt + SecretBox.TAG_BYTES, "a whole secretbox in encoded");
        byte[] key = key(source, encoded, password);
        byte[] pkcs8 = SecretBox.open(
                key,
                Arrays.copyOfRange(encoded, PARAMETERS_BYTES, boxAt),
                Arrays.copyOfRange(encoded, boxAt, encoded.length));
        Arrays.fill(key, (byte) 0);
        if (pkcs8 == null) {
            throw new WrongPasswordException(source);
        }
        try {
            return keypair(source, pkcs8, keystore.path("address").asText());
        } finally {
            Arrays.fill(pkcs8, (byte) 0);
        }
    }

    private static byte[] key(String source, byte[] encoded, char[] password) throws MalformedDataException {
        var parameters = ByteBuffer.wrap(encoded, SALT_BYTES, 12).order(ByteOrder.LITTLE_ENDIAN);
        int n = parameters.getInt();
        int p = parameters.getInt();
        int r = parameters.getInt();
        require(
                source,
                n > 1 && n <= MAX_N && Integer.bitCount(n) == 1 && p >= 1 && p <= MAX_P && r == R,
                "scrypt with N a power of two up to " + MAX_N + ", p up to " + MAX_P + " and r = " + R);
        ByteBuffer utf8 = StandardCharsets.UTF_8.encode(CharBuffer.wrap(password));
        byte[] bytes = Arrays.copyOf(utf8.array(), utf8.remaining());
        Arrays.fill(utf8.array(), (byte) 0);
        try {
            return SCrypt.generate(bytes, Arrays.copyOf(encoded, SALT_BYTES), n, r, p, SecretBox.KEY_BYTES);
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /** Head, secret key of Ed25519's form, divider, public key. */
    private static Keypair keypair(String source, byte[] pkcs8, String address) throws MalformedDataException {
        int secretAt = PKCS8_HEAD.length;
        int dividerAt = secretAt + SecretKey.BYTES;
        int publicAt = dividerAt + PKCS8_DIVIDER.length;
        require(
                source,
                pkcs8.length == publicAt + Sr25519.PUBLIC_KEY_BYTES
                        && Arrays.equals(pkcs8, 0, secretAt, PKCS8_HEAD, 0, secretAt)
                        && Arrays.equals(pkcs8, dividerAt, publicAt, PKCS8_DIVIDER, 0, PKCS8_DIVIDER.length),
                "PKCS#8 of a secret and a public key inside");
        byte[] secret = Arrays.copyOfRange(pkcs8, secretAt, dividerAt);
        Keypair key;
        try {
            key = Keypair.fromEd25519SecretKey(secret);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(source, -1, e.getMessage());
        } finally {
            Arrays.fill(secret, (byte) 0);
        }
        boolean isItsOwn = Arrays.equals(key.publicKey(), Arrays.copyOfRange(pkcs8, publicAt, pkcs8.length));
        if (!isItsOwn || !isAddressOf(address, key)) {
            key.close();
            throw new MalformedDataException(source, -1, "its secret is not of the address and public key beside it");
        }
        return key;
    }

    /** An export states the address with the prefix of the network that was chosen there. */
    private static boolean isAddressOf(String address, Keypair key) {
        try {
            return Arrays.equals(Ss58.decodeAnyNetwork(address), key.publicKey());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static JsonNode parse(String source, byte[] json) throws MalformedDataException {
        try {
            return JsonMapper.builder().build().readTree(json);
        } catch (IOException e) {
            throw new MalformedDataException(source, -1, "not JSON");
        }
    }

    private static Set<String> words(JsonNode keystore, String field) {
        var words = new TreeSet<String>();
        keystore.path("encoding").path(field).forEach(word -> words.add(word.asText()));
        return words;
    }

    private static void require(String source, boolean isThere, String expected) throws MalformedDataException {
        if (!isThere) {
            throw new MalformedDataException(source, -1, "a key exported by polkadot-js is expected: " + expected);
        }
    }
}
