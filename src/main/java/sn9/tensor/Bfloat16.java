package sn9.tensor;

/** One bfloat16 number: the upper half of a float's bits. */
public final class Bfloat16 {
    private static final int INFINITY_BITS = 0x7f80_0000;
    private static final int QUIET_BIT = 0x0040; // keeps a NaN whose payload lay in the dropped half a NaN

    private Bfloat16() {}

    /** The number as a float, exactly. */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /**
     * The nearest bfloat16, ties to even; too large a number becomes infinite, a NaN stays a quiet NaN of the same sign.
     */
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        // Adding just under half of the last place kept, and one more where that place is odd, carries exactly when the
        // dropped half is above a half, or is a half beside an odd place.
        int rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
        int nan = (bits >>> 16) | QUIET_BIT;
        return (short) ((bits & 0x7fff_ffff) > INFINITY_BITS ? nan : rounded);
    }
}
