package sn9.wallet;

import java.security.MessageDigest;
import java.util.Arrays;
import org.bouncycastle.crypto.engines.XSalsa20Engine;
import org.bouncycastle.crypto.macs.Poly1305;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;

/** NaCl's secretbox: XSalsa20 and Poly1305, the tag of 16 bytes before the ciphertext (nacl.cr.yp.to/secretbox.html). */
final class SecretBox {
    static final int KEY_BYTES = 32;
    static final int NONCE_BYTES = 24;
    static final int TAG_BYTES = 16;

    private SecretBox() {}

    /** Tag and ciphertext of a plaintext. */
    static byte[] seal(byte[] key, byte[] nonce, byte[] plaintext) {
        var cipher = cipher(key, nonce);
        byte[] tagKey = tagKey(cipher);
        byte[] box = new byte[TAG_BYTES + plaintext.length];
        cipher.processBytes(plaintext, 0, plaintext.length, box, TAG_BYTES);
        tag(tagKey, box, box);
        return box;
    }

    /**
     * The plaintext of a box, which the caller wipes.
     *
     * @return null when the tag is not the key's, before anything is decrypted
     */
    static byte[] open(byte[] key, byte[] nonce, byte[] box) {
        if (box.length < TAG_BYTES) {
            return null;
        }
        var cipher = cipher(key, nonce);
        byte[] tag = new byte[TAG_BYTES];
        tag(tagKey(cipher), box, tag);
        if (!MessageDigest.isEqual(tag, Arrays.copyOf(box, TAG_BYTES))) {
            return null;
        }
        byte[] plaintext = new byte[box.length - TAG_BYTES];
        cipher.processBytes(box, TAG_BYTES, plaintext.length, plaintext, 0);
        return plaintext;
    }

    private static XSalsa20Engine cipher(byte[] key, byte[] nonce) {
        var cipher = new XSalsa20Engine();
        cipher.init(true, new ParametersWithIV(new KeyParameter(key), nonce));
        return cipher;
    }

    /** The first 32 bytes of the key stream. */
    private static byte[] tagKey(XSalsa20Engine cipher) {
        byte[] key = new byte[KEY_BYTES];
        cipher.processBytes(key, 0, key.length, key, 0);
        return key;
    }

    private static void tag(byte[] key, byte[] box, byte[] out) {
        var mac = new Poly1305();
        mac.init(new KeyParameter(key));
        mac.update(box, TAG_BYTES, box.length - TAG_BYTES);
        mac.doFinal(out, 0);
        Arrays.fill(key, (byte) 0);
    }
}
