package sn9.data;

import java.util.HashMap;
import java.util.random.RandomGenerator;

/** Drawing without putting back. */
final class Draws {
    private Draws() {}

    /**
     * Distinct numbers from 0 to {@code available - 1}: the first steps of a shuffle of all of them, of which only the
     * places that moved are kept.
     *
     * @param count at most {@code available}
     */
    static long[] distinct(int count, long available, RandomGenerator random) {
        var moved = new HashMap<Long, Long>();
        var drawn = new long[count];
        for (int i = 0; i < count; i++) {
            long j = random.nextLong(i, available);
            drawn[i] = moved.getOrDefault(j, j);
            moved.put(j, moved.getOrDefault((long) i, (long) i));
        }
        return drawn;
    }
}
