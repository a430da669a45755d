package sn9.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Looks for NaN and infinity in little-endian floating-point elements by their exponent bits alone. Adding the lowest
 * exponent bit to the masked exponent carries into the bit above it exactly when all exponent bits are set, so a block
 * is judged by one OR over it, with no branch.
 */
public final class FiniteScan {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int BLOCK = 1 << 14; // elements judged together

    private static final int BF16_EXPONENT = 0x7f80;
    private static final int F16_EXPONENT = 0x7c00;
    private static final int F32_EXPONENT = 0x7f80_0000;
    private static final long F64_EXPONENT = 0x7ff0_0000_0000_0000L;

    private FiniteScan() {}

    /**
     * The index of the first element that is NaN or infinite.
     *
     * @return -1 when every element is finite
     * @throws IllegalArgumentException when the tensor's type is no float type
     */
    public static long firstNonFinite(TensorView tensor) {
        ElementType type = tensor.type();
        if (!type.isFloat()) {
            throw new IllegalArgumentException(tensor + " is no float tensor: expected F32, BF16, F16 or F64");
        }
        long elements = tensor.elements();
        for (long start = 0; start < elements; start += BLOCK) {
            int count = (int) Math.min(BLOCK, elements - start);
            MemorySegment block = tensor.data().asSlice(start * type.bytes(), (long) count * type.bytes());
            if (!allFinite(type, block, count)) {
                return start + firstIn(type, block, count);
            }
        }
        return -1;
    }

    private static boolean allFinite(ElementType type, MemorySegment block, int count) {
        return switch (type) {
            case BF16 -> halvesFinite(block, count, BF16_EXPONENT);
            case F16 -> halvesFinite(block, count, F16_EXPONENT);
            case F32 -> wordsFinite(block, count);
            default -> longsFinite(block, count);
        };
    }

    private static int firstIn(ElementType type, MemorySegment block, int count) {
        for (int i = 0; i < count; i++) {
            if (!allFinite(type, block.asSlice((long) i * type.bytes(), type.bytes()), 1)) {
                return i;
            }
        }
        throw new IllegalStateException("the tensor's bytes changed while they were read");
    }

    private static boolean halvesFinite(MemorySegment block, int count, int exponent) {
        int lowest = exponent & -exponent;
        int carried = 0;
        for (int i = 0; i < count; i++) {
            carried |= (block.get(SHORT, 2L * i) & exponent) + lowest;
        }
        return (carried & 0x8000) == 0;
    }

    private static boolean wordsFinite(MemorySegment block, int count) {
        int carried = 0;
        for (int i = 0; i < count; i++) {
            carried |= (block.get(INT, 4L * i) & F32_EXPONENT) + (F32_EXPONENT & -F32_EXPONENT);
        }
        return carried >= 0;
    }

    private static boolean longsFinite(MemorySegment block, int count) {
        long carried = 0;
        for (int i = 0; i < count; i++) {
            carried |= (block.get(LONG, 8L * i) & F64_EXPONENT) + (F64_EXPONENT & -F64_EXPONENT);
        }
        return carried >= 0;
    }
}
