package sn9.miner;

import java.util.Arrays;
import java.util.SplittableRandom;
import sn9.data.PageSource;
import sn9.data.PageSource.Split;

/**
 * Which pages an epoch trains on: a pure function of source, seed and epoch, so that a resumed run reads what the
 * unbroken one would have read.
 *
 * @param source where the pages are
 * @param seed the run's seed
 * @param pagesPerEpoch pages wanted for an epoch, and drawn on top to stand in for pages that cannot be read: a remote
 *     dataset has many that never can (spec/hub.md 5); a smaller source gives all it has
 */
record PageDraws(PageSource source, long seed, int pagesPerEpoch) {
    /**
     * The pages of an epoch.
     *
     * @param pages in the order they are read
     * @param spares what stands in for pages that fail
     */
    record Draw(long[] pages, long[] spares) {}

    /** Draws the pages of an epoch. */
    Draw train(long epoch) {
        long available = source.pages(Split.TRAIN);
        int count = (int) Math.min(available, pagesPerEpoch);
        int all = (int) Math.min(available, 2L * pagesPerEpoch);
        long[] drawn = source.draw(Split.TRAIN, all, new SplittableRandom(mix(mix(seed) + epoch)));
        return new Draw(Arrays.copyOf(drawn, count), Arrays.copyOfRange(drawn, count, all));
    }

    /** Spreads the bits of a number over all 64: neighbouring seeds and epochs share no draws (MurmurHash3's finaliser). */
    private static long mix(long z) {
        z = (z ^ (z >>> 33)) * 0xff51afd7ed558ccdL;
        z = (z ^ (z >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return z ^ (z >>> 33);
    }
}
