package sn9.wallet;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import sn9.MalformedDataException;

/**
 * Reads keyfiles of wallets before {@code $NACL}: Ansible Vault 1.1 with AES256
 * (ansible/ansible:lib/ansible/parsing/vault/__init__.py, {@code VaultAES256}).
 */
final class AnsibleVault {
    static final String MAGIC = "$ANSIBLE_VAULT";

    private static final String HEADER = MAGIC + ";1.1;AES256";
    private static final int ROUNDS = 10_000;
    private static final int KEY_BYTES = 32;
    private static final int BLOCK_BYTES = 16;

    private AnsibleVault() {}

    /** Decrypts a file that begins with {@link #MAGIC}; the caller wipes the result. */
    static byte[] decrypt(String source, byte[] file, byte[] password)
            throws MalformedDataException, WrongPasswordException {
        String text = new String(file, StandardCharsets.US_ASCII);
        int body = text.indexOf('\n');
        if (body < 0 || !text.substring(0, body).strip().equals(HEADER)) {
            throw new MalformedDataException(source, 0, "expected the first line " + HEADER);
        }
        byte[][] parts = parts(source, text.substring(body + 1));
        byte[] keys = PasswordKey.derive(password, parts[0], ROUNDS, 2 * KEY_BYTES + BLOCK_BYTES);
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(keys, KEY_BYTES, KEY_BYTES, "HmacSHA256"));
            if (!MessageDigest.isEqual(mac.doFinal(parts[2]), parts[1])) {
                throw new WrongPasswordException(source);
            }
            var cipher = Cipher.getInstance("AES/CTR/NoPadding");
            cipher.init(
                    Cipher.DECRYPT_MODE,
                    new SecretKeySpec(keys, 0, KEY_BYTES, "AES"),
                    new IvParameterSpec(keys, 2 * KEY_BYTES, BLOCK_BYTES));
            return unpad(source, cipher.doFinal(parts[2]));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java lacks AES or HMAC-SHA256", e);
        } finally {
            Arrays.fill(keys, (byte) 0);
        }
    }

    /** Salt, HMAC and ciphertext: hexadecimal lines inside hexadecimal lines. */
    private static byte[][] parts(String source, String body) throws MalformedDataException {
        try {
            byte[] inner = HexFormat.of().parseHex(body.replaceAll("\\s", ""));
            String[] lines = new String(inner, StandardCharsets.US_ASCII).split("\n", -1);
            if (lines.length != 3) {
                throw new MalformedDataException(
                        source, -1, "expected salt, HMAC and ciphertext, found " + lines.length + " lines");
            }
            byte[][] parts = new byte[3][];
            for (int i = 0; i < parts.length; i++) {
                parts[i] = HexFormat.of().parseHex(lines[i]);
            }
            return parts;
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(source, -1, "expected hexadecimal digits after the first line");
        }
    }

    /** Takes PKCS#7's padding away; it is authentic, so a wrong one is the writer's fault. */
    private static byte[] unpad(String source, byte[] padded) throws MalformedDataException {
        int padding = padded.length == 0 ? 0 : padded[padded.length - 1];
        boolean valid = padding > 0 && padding <= BLOCK_BYTES && padding <= padded.length;
        for (int i = 1; valid && i <= padding; i++) {
            valid = padded[padded.length - i] == padding;
        }
        try {
            if (!valid) {
                throw new MalformedDataException(source, -1, "the vault's padding is wrong");
            }
            return Arrays.copyOf(padded, padded.length - padding);
        } finally {
            Arrays.fill(padded, (byte) 0);
        }
    }
}
