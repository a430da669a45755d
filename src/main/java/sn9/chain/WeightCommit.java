package sn9.chain;

import java.security.SecureRandom;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageHasher;

/**
 * Weights that are committed by their hash and revealed some epochs later (spec/chain.md 7).
 *
 * @param uids slots, distinct
 * @param values u16 values of those slots
 * @param salt u16 numbers that keep the hash from being guessed; lost, the weights cannot be revealed
 * @param versionKey the rule set's version key
 * @param death the first block that cannot include the commit any more
 */
record WeightCommit(int[] uids, int[] values, int[] salt, long versionKey, long death) {
    private static final int SALT_LENGTH = 8;
    private static final SecureRandom RANDOM = new SecureRandom();

    /** A fresh salt. */
    static int[] newSalt() {
        return RANDOM.ints(SALT_LENGTH, 0, 1 << Short.SIZE).toArray();
    }

    /** BLAKE2b-256 of hotkey, storage index of the subnet, uids, values, salt and version key, each in SCALE. */
    byte[] hash(byte[] hotkey, int netuid) {
        var out = new ScaleWriter().bytes(hotkey).u16(netuid);
        for (int[] list : new int[][] {uids, values, salt}) {
            out.compact(list.length);
            for (int number : list) {
                out.u16(number);
            }
        }
        return StorageHasher.blake2b(out.u64(versionKey).toBytes(), 32);
    }
}
