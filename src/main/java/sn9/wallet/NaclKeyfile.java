package sn9.wallet;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import sn9.MalformedDataException;

/**
 * Keyfiles as btcli encrypts them today: {@code $NACL}, a nonce of 24 bytes, and a secretbox whose key is Argon2i of the
 * password (opentensor/btwallet:src/keyfile.rs). The salt is fixed, so equal passwords give equal keys in all wallets of
 * the network: a weakness of the format.
 */
final class NaclKeyfile {
    static final String MAGIC = "$NACL";

    /** libsodium's OPSLIMIT_SENSITIVE of Argon2i. */
    private static final int PASSES = 8;

    /** libsodium's MEMLIMIT_SENSITIVE of Argon2i, in KiB. */
    private static final int MEMORY_KIB = 512 << 10;

    /** What the blocks take as Java objects: 1 KiB of longs, a header each of array and block, and a reference. */
    private static final long HEAP_BYTES = MEMORY_KIB * (1024L + 16 + 16 + 4);

    /** What else the derivation may need beside the blocks. */
    private static final long SPARE_BYTES = 32 << 20;

    private static final byte[] SALT = HexFormat.of().parseHex("137183dff15a09bc9c90b5518739e9b1");

    private NaclKeyfile() {}

    /** Encrypts a keyfile's content with a fresh nonce. */
    static byte[] encrypt(byte[] content, byte[] password) {
        byte[] nonce = new byte[SecretBox.NONCE_BYTES];
        new SecureRandom().nextBytes(nonce);
        byte[] key = key(password);
        try {
            byte[] box = SecretBox.seal(key, nonce, content);
            byte[] magic = MAGIC.getBytes(StandardCharsets.US_ASCII);
            byte[] file = Arrays.copyOf(magic, magic.length + nonce.length + box.length);
            System.arraycopy(nonce, 0, file, magic.length, nonce.length);
            System.arraycopy(box, 0, file, magic.length + nonce.length, box.length);
            return file;
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** Decrypts a file that begins with {@link #MAGIC}; the caller wipes the result. */
    static byte[] decrypt(String source, byte[] file, byte[] password)
            throws MalformedDataException, WrongPasswordException {
        int boxAt = MAGIC.length() + SecretBox.NONCE_BYTES;
        if (file.length < boxAt + SecretBox.TAG_BYTES) {
            throw new MalformedDataException(
                    source,
                    file.length,
                    "cut off: " + (boxAt + SecretBox.TAG_BYTES) + " bytes of nonce and tag are expected");
        }
        byte[] key = key(password);
        try {
            byte[] content = SecretBox.open(
                    key, Arrays.copyOfRange(file, MAGIC.length(), boxAt), Arrays.copyOfRange(file, boxAt, file.length));
            if (content == null) {
                throw new WrongPasswordException(source);
            }
            return content;
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /**
     * The key of a password: Argon2i v1.3, one lane. Takes seconds and {@value #HEAP_BYTES} bytes of heap.
     *
     * @throws IllegalStateException when the heap cannot hold that
     */
    static byte[] key(byte[] password) {
        if (Runtime.getRuntime().maxMemory() < HEAP_BYTES + SPARE_BYTES) {
            throw heapTooSmall(null);
        }
        var generator = new Argon2BytesGenerator();
        generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_i)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withIterations(PASSES)
                .withMemoryAsKB(MEMORY_KIB)
                .withParallelism(1)
                .withSalt(SALT)
                .build());
        byte[] key = new byte[SecretBox.KEY_BYTES];
        try {
            generator.generateBytes(password, key);
        } catch (OutOfMemoryError e) { // its blocks are garbage already, so the program can go on
            throw heapTooSmall(e);
        }
        return key;
    }

    private static IllegalStateException heapTooSmall(OutOfMemoryError cause) {
        long needed = (HEAP_BYTES + SPARE_BYTES) >> 20;
        long found = Runtime.getRuntime().maxMemory() >> 20;
        return new IllegalStateException(
                "the password of a keyfile is stretched over 512 MiB, which takes a heap of " + needed
                        + " MiB and more beside other work, and Java may use " + found
                        + " MiB: start it with java -Xmx1g -jar ... (SN9_JAVA_OPTS=-Xmx1g for scripts/sn9)",
                cause);
    }
}
