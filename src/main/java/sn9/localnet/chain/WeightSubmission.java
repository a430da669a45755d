package sn9.localnet.chain;

import java.util.SortedMap;

/**
 * Weights that a validator has set.
 *
 * @param uid the validator's slot at that time
 * @param hotkey the validator
 * @param block block that holds them
 * @param versionKey as sent
 * @param weights u16 value by uid, zeros left out
 */
public record WeightSubmission(
        int uid, String hotkey, long block, long versionKey, SortedMap<Integer, Integer> weights) {}
