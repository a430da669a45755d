package sn9.dashboard;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A linear scale with round ticks.
 *
 * @param low value at its start
 * @param high value at its end, above low
 * @param step from tick to tick: 1, 2 or 5 times a power of ten
 */
record Axis(double low, double high, double step) {
    private static final int TICKS = 5;

    /** An axis that holds two finite values; whole numbers have ticks of whole numbers. */
    static Axis of(double min, double max, boolean whole) {
        double span = Math.max(max - min, Math.max(Math.abs(max) * 1e-3, 1e-6));
        double rough = span / TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double factor = rough / power;
        double step = power * (factor > 5 ? 10 : factor > 2 ? 5 : factor > 1 ? 2 : 1);
        if (whole) {
            step = Math.max(1, step);
        }
        double low = Math.floor(min / step) * step;
        double high = Math.ceil(max / step) * step;
        return new Axis(low, high > low ? high : low + step, step);
    }

    /** Where a value lies, 0 at the start and 1 at the end. */
    double part(double value) {
        return (value - low) / (high - low);
    }

    /** Values with a label. */
    List<Double> ticks() {
        var ticks = new ArrayList<Double>();
        long count = Math.round((high - low) / step);
        for (long tick = 0; tick <= count; tick++) {
            ticks.add(low + tick * step);
        }
        return ticks;
    }

    /** A tick's text, with as many decimals as tell it from the next. */
    String label(double tick) {
        int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
        return String.format(Locale.ROOT, "%,." + decimals + "f", tick);
    }
}
