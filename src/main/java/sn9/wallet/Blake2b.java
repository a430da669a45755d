package sn9.wallet;

import org.bouncycastle.crypto.digests.Blake2bDigest;

/** BLAKE2b without a key. */
final class Blake2b {
    private Blake2b() {}

    /** The digest of so many bits of the parts, one after the other. */
    static byte[] hash(int bits, byte[]... parts) {
        var digest = new Blake2bDigest(bits);
        for (byte[] part : parts) {
            digest.update(part, 0, part.length);
        }
        byte[] hash = new byte[bits / Byte.SIZE];
        digest.doFinal(hash, 0);
        return hash;
    }
}
