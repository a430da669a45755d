package sn9.subnet;

import java.util.stream.IntStream;

/**
 * Weights in the chain's form (spec A.6): divided by the largest, times 65,535, rounded half to even, zeros dropped. The
 * scale of the input does not matter.
 *
 * @param uids slots, ascending
 * @param values u16 values of those slots, 1 to 65,535; empty when all weights were 0, which submits nothing
 */
public record WeightVector(int[] uids, int[] values) {
    /** The largest value of a u16. */
    public static final int MAX = 65_535;

    /**
     * Converts weights by uid.
     *
     * @param weights one per uid, from uid 0 on
     * @throws IllegalArgumentException when one is negative, NaN or infinite
     */
    public static WeightVector of(float[] weights) {
        double largest = 0;
        for (int uid = 0; uid < weights.length; uid++) {
            if (!Float.isFinite(weights[uid]) || weights[uid] < 0) {
                throw new IllegalArgumentException(
                        "weight of uid " + uid + " is " + weights[uid] + ", expected a finite number, 0 or more");
            }
            largest = Math.max(largest, weights[uid]);
        }
        int[] values = new int[weights.length];
        for (int uid = 0; uid < weights.length; uid++) {
            values[uid] = largest == 0 ? 0 : (int) Math.rint(weights[uid] / largest * MAX);
        }
        int[] uids =
                IntStream.range(0, values.length).filter(uid -> values[uid] > 0).toArray();
        return new WeightVector(uids, IntStream.of(uids).map(uid -> values[uid]).toArray());
    }

    /** Whether there is nothing to submit. */
    public boolean isEmpty() {
        return uids.length == 0;
    }
}
