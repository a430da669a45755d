package sn9.subnet;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;

/** How the hash of a commitment follows from the {@link DirectoryHash} of the model (spec/subnet.md B.5, C 3). */
public enum HashForm {
    /** The directory hash itself: whoever reads it can commit it as well. */
    PLAIN,

    /**
     * base64(SHA-256(directory hash, hotkey)), both as text, so that a copied commitment fits no other hotkey. Plain hashes
     * are taken too, as on the network since 2024-04-25.
     */
    HOTKEY_BOUND;

    /** What a hotkey commits for a directory. */
    public String committed(String directoryHash, String hotkey) {
        return this == PLAIN ? directoryHash : bound(directoryHash, hotkey);
    }

    /** Whether a hash that a hotkey committed stands for a directory. */
    public boolean accepts(String committed, String directoryHash, String hotkey) {
        return committed.equals(directoryHash)
                || this == HOTKEY_BOUND && committed.equals(bound(directoryHash, hotkey));
    }

    private static String bound(String directoryHash, String hotkey) {
        MessageDigest digest = DirectoryHash.sha256();
        digest.update((directoryHash + hotkey).getBytes(StandardCharsets.US_ASCII));
        return Base64.getEncoder().encodeToString(digest.digest());
    }
}
