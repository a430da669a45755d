package sn9.wallet;

import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.PKCS5S2ParametersGenerator;
import org.bouncycastle.crypto.params.KeyParameter;

/** PBKDF2 with HMAC-SHA256 over the bytes of a password, as older keyfiles stretch it. */
final class PasswordKey {
    private PasswordKey() {}

    /** So many bytes of key, which the caller wipes. */
    static byte[] derive(byte[] password, byte[] salt, int rounds, int bytes) {
        var generator = new PKCS5S2ParametersGenerator(new SHA256Digest());
        generator.init(password, salt, rounds);
        return ((KeyParameter) generator.generateDerivedMacParameters(8 * bytes)).getKey();
    }
}
