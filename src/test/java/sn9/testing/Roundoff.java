package sn9.testing;

import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;

/**
 * What rounding to few bits does to a computation, measured in double precision: the computation runs again and again
 * with every number that an engine rounds changed by a relative error drawn evenly from [-u, u], u the unit roundoff.
 *
 * <p>Rounding to nearest changes a number by at most half a unit in its last place, which is u of it just above a power of
 * two and u / 2 just below the next: the draws are larger than the errors they stand for (by 1.4 in the root of the mean
 * square, for significands spread evenly). Errors of different numbers are as good as independent, and a result adds up
 * thousands of them: it is off by a normal deviate of the measured size, and {@link #DEVIATIONS} of these are met by one
 * sound result in 10^9.
 */
public final class Roundoff {
    /** Unit roundoff of bf16: 8 significant bits. */
    public static final double BF16 = 0x1p-8;

    /** Unit roundoff of f32: 24 significant bits. */
    public static final double F32 = 0x1p-24;

    /** Standard deviations that a bound allows. */
    public static final double DEVIATIONS = 6;

    private Roundoff() {}

    /** Relative errors of up to {@code unit}, by a seed. */
    static DoubleUnaryOperator errors(double unit, long seed) {
        var random = new SplittableRandom(seed);
        return value -> value * (1 + unit * (2 * random.nextDouble() - 1));
    }

    /**
     * How far results may be from exact ones: {@link #DEVIATIONS} times the root of the mean square of what bf16's roundings
     * changed in them.
     *
     * @param exact results without rounding
     * @param samples runs with rounding
     * @param computation from a rounding to results
     */
    public static double[] bound(double[] exact, int samples, Function<DoubleUnaryOperator, double[]> computation) {
        var squares = new double[exact.length];
        for (int sample = 0; sample < samples; sample++) {
            double[] results = computation.apply(errors(BF16, sample));
            for (int i = 0; i < exact.length; i++) {
                squares[i] += (results[i] - exact[i]) * (results[i] - exact[i]) / samples;
            }
        }
        for (int i = 0; i < squares.length; i++) {
            squares[i] = DEVIATIONS * Math.sqrt(squares[i]);
        }
        return squares;
    }
}
