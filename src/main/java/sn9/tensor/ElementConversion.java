package sn9.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Converts runs of little-endian floating-point elements between {@link ElementType#F32} and the other float types.
 * Segments need no alignment and must not overlap. Widening is exact; narrowing rounds to nearest, ties to even.
 */
public final class ElementConversion {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Elements per pass: an int loop index over a slice is what the JIT turns into vector code. */
    private static final int BLOCK = 1 << 14;

    private ElementConversion() {}

    /**
     * Converts to F32. Exact for F32, BF16 and F16; F64 is rounded.
     *
     * @param type of {@code in}; a float type
     * @param in at least {@code elements} elements
     * @param out at least {@code 4 * elements} bytes
     * @throws IllegalArgumentException when {@code type} is no float type or a segment is too short
     */
    public static void toF32(ElementType type, MemorySegment in, MemorySegment out, long elements) {
        check(type, in, out, elements, type.bytes(), Float.BYTES);
        for (long start = 0; start < elements; start += BLOCK) {
            int count = (int) Math.min(BLOCK, elements - start);
            MemorySegment from = in.asSlice(start * type.bytes(), (long) count * type.bytes());
            MemorySegment to = out.asSlice(start * Float.BYTES, (long) count * Float.BYTES);
            switch (type) {
                case F32 -> to.copyFrom(from);
                case BF16 -> bf16ToF32(from, to, count);
                case F16 -> f16ToF32(from, to, count);
                default -> f64ToF32(from, to, count);
            }
        }
    }

    /**
     * Converts from F32.
     *
     * @param type of {@code out}; a float type
     * @param in at least {@code 4 * elements} bytes
     * @param out at least {@code elements} elements
     * @throws IllegalArgumentException when {@code type} is no float type or a segment is too short
     */
    public static void fromF32(ElementType type, MemorySegment in, MemorySegment out, long elements) {
        check(type, in, out, elements, Float.BYTES, type.bytes());
        for (long start = 0; start < elements; start += BLOCK) {
            int count = (int) Math.min(BLOCK, elements - start);
            MemorySegment from = in.asSlice(start * Float.BYTES, (long) count * Float.BYTES);
            MemorySegment to = out.asSlice(start * type.bytes(), (long) count * type.bytes());
            switch (type) {
                case F32 -> to.copyFrom(from);
                case BF16 -> f32ToBf16(from, to, count);
                case F16 -> f32ToF16(from, to, count);
                default -> f32ToF64(from, to, count);
            }
        }
    }

    private static void check(
            ElementType type, MemorySegment in, MemorySegment out, long elements, int inBytes, int outBytes) {
        if (!type.isFloat()) {
            throw new IllegalArgumentException(type + " is no float type: expected F32, BF16, F16 or F64");
        }
        if (elements < 0 || in.byteSize() / inBytes < elements || out.byteSize() / outBytes < elements) {
            throw new IllegalArgumentException("cannot convert " + elements + " elements from " + in.byteSize()
                    + " bytes at " + inBytes + " each to " + out.byteSize() + " bytes at " + outBytes + " each");
        }
    }

    private static void bf16ToF32(MemorySegment from, MemorySegment to, int count) {
        for (int i = 0; i < count; i++) {
            to.set(FLOAT, 4L * i, Bfloat16.toFloat(from.get(SHORT, 2L * i)));
        }
    }

    private static void f16ToF32(MemorySegment from, MemorySegment to, int count) {
        for (int i = 0; i < count; i++) {
            to.set(FLOAT, 4L * i, Float.float16ToFloat(from.get(SHORT, 2L * i)));
        }
    }

    private static void f64ToF32(MemorySegment from, MemorySegment to, int count) {
        for (int i = 0; i < count; i++) {
            to.set(FLOAT, 4L * i, (float) from.get(DOUBLE, 8L * i));
        }
    }

    private static void f32ToBf16(MemorySegment from, MemorySegment to, int count) {
        for (int i = 0; i < count; i++) {
            to.set(SHORT, 2L * i, Bfloat16.fromFloat(from.get(FLOAT, 4L * i)));
        }
    }

    private static void f32ToF16(MemorySegment from, MemorySegment to, int count) {
        for (int i = 0; i < count; i++) {
            to.set(SHORT, 2L * i, Float.floatToFloat16(from.get(FLOAT, 4L * i)));
        }
    }

    private static void f32ToF64(MemorySegment from, MemorySegment to, int count) {
        for (int i = 0; i < count; i++) {
            to.set(DOUBLE, 8L * i, from.get(FLOAT, 4L * i));
        }
    }
}
