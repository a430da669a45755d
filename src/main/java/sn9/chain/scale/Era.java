package sn9.chain.scale;

import sn9.MalformedDataException;

/**
 * How long a signed extrinsic can be included (spec/chain.md 6; polkadot-sdk: substrate/primitives/runtime/src/generic/era.rs):
 * {@code period} blocks from {@code birth(block)} on, or forever when the period is 0.
 *
 * @param period 0, or a power of two from 4 to 65,536
 * @param phase the block of birth modulo the period, in steps of a 4,096th of it
 */
public record Era(long period, long phase) {
    /** Valid forever. */
    public static final Era IMMORTAL = new Era(0, 0);

    private static final int MIN_PERIOD = 4;
    private static final int MAX_PERIOD = 1 << 16;

    /** Checks the period and the phase. */
    public Era {
        boolean mortal = Long.bitCount(period) == 1 && period >= MIN_PERIOD && period <= MAX_PERIOD;
        if (!(mortal && phase >= 0 && phase < period && phase % step(period) == 0) && !(period == 0 && phase == 0)) {
            throw new IllegalArgumentException("no era has period " + period + " and phase " + phase);
        }
    }

    /**
     * An era that begins at the present block, or a few before where the period is long.
     *
     * @param blocks wanted length; rounded up to a power of two from 4 to 65,536
     * @param current number of a block on the chain, best a finalized one
     */
    public static Era mortal(long blocks, long current) {
        long period = Math.clamp(Long.highestOneBit(Math.max(1, blocks - 1)) << 1, MIN_PERIOD, MAX_PERIOD);
        long step = step(period);
        return new Era(period, current % period / step * step);
    }

    /** Reads an era of an extrinsic: one byte, or two. */
    public static Era read(ScaleReader in) throws MalformedDataException {
        int first = in.u8();
        if (first == 0) {
            return IMMORTAL;
        }
        int bits = first | in.u8() << Byte.SIZE;
        long period = 2L << (bits & 15);
        long phase = (bits >>> 4) * step(period);
        if (period < MIN_PERIOD || phase >= period) {
            throw in.malformed("expected an era, found period " + period + " and phase " + phase);
        }
        return new Era(period, phase);
    }

    /** Writes it. */
    public void write(ScaleWriter out) {
        if (isImmortal()) {
            out.u8(0);
        } else {
            out.u16((Long.numberOfTrailingZeros(period) - 1) | (int) (phase / step(period)) << 4);
        }
    }

    /** Whether it never ends. */
    public boolean isImmortal() {
        return period == 0;
    }

    /** The first block in which an extrinsic can be included, seen from a block near it; its hash is signed. */
    public long birth(long current) {
        return isImmortal() ? 0 : (Math.max(current, phase) - phase) / period * period + phase;
    }

    /** The first block in which it can no longer be included. */
    public long death(long current) {
        return isImmortal() ? Long.MAX_VALUE : birth(current) + period;
    }

    private static long step(long period) {
        return Math.max(period >>> 12, 1);
    }
}
