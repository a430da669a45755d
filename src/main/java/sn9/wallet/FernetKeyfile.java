package sn9.wallet;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.BadPaddingException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import sn9.MalformedDataException;

/**
 * Reads the oldest encrypted keyfiles: a Fernet token (fernet/spec:Spec.md) whose key is PBKDF2 of the password with ten
 * million rounds and a fixed salt (opentensor/bittensor-wallet:bittensor_wallet/_keyfile/keyfile_impl.py). The Rust wallet
 * 4.0.0 cannot read them: it decrypts with a random key.
 */
final class FernetKeyfile {
    /** A token's first characters: version 0x80 and the upper bytes of a time of this century. */
    static final String MAGIC = "gAAAAA";

    private static final int ROUNDS = 10_000_000;
    private static final int BLOCK_BYTES = 16;
    private static final int MAC_BYTES = 32;

    /** Version and time. */
    private static final int HEAD_BYTES = 1 + Long.BYTES;

    private static final byte[] SALT =
            "Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins".getBytes(StandardCharsets.US_ASCII);

    private FernetKeyfile() {}

    /** Decrypts a file that begins with {@link #MAGIC}, which takes many seconds; the caller wipes the result. */
    static byte[] decrypt(String source, byte[] file, byte[] password)
            throws MalformedDataException, WrongPasswordException {
        byte[] token = token(source, file);
        byte[] key = PasswordKey.derive(password, SALT, ROUNDS, 2 * BLOCK_BYTES);
        try {
            return open(source, token, key);
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** The bytes of a token with room for everything there must be. */
    static byte[] token(String source, byte[] file) throws MalformedDataException {
        byte[] token;
        try {
            String text = new String(file, StandardCharsets.US_ASCII).strip();
            token = Base64.getUrlDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(source, -1, "expected a Fernet token in URL-safe Base64");
        }
        int ciphertext = token.length - HEAD_BYTES - BLOCK_BYTES - MAC_BYTES;
        if (ciphertext <= 0 || ciphertext % BLOCK_BYTES != 0) {
            throw new MalformedDataException(source, -1, "cut off: a Fernet token of " + token.length + " bytes");
        }
        return token;
    }

    /** The plaintext of a token by a key of 16 bytes to sign and 16 to encrypt. */
    static byte[] open(String source, byte[] token, byte[] key) throws WrongPasswordException {
        int macAt = token.length - MAC_BYTES;
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, 0, BLOCK_BYTES, "HmacSHA256"));
            mac.update(ByteBuffer.wrap(token, 0, macAt));
            if (!MessageDigest.isEqual(mac.doFinal(), Arrays.copyOfRange(token, macAt, token.length))) {
                throw new WrongPasswordException(source);
            }
            var cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
            cipher.init(
                    Cipher.DECRYPT_MODE,
                    new SecretKeySpec(key, BLOCK_BYTES, BLOCK_BYTES, "AES"),
                    new IvParameterSpec(token, HEAD_BYTES, BLOCK_BYTES));
            int ciphertextAt = HEAD_BYTES + BLOCK_BYTES;
            return cipher.doFinal(token, ciphertextAt, macAt - ciphertextAt);
        } catch (BadPaddingException e) {
            throw new WrongPasswordException(source);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java lacks AES or HMAC-SHA256", e);
        }
    }
}
