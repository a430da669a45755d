package sn9.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A dense, row-major, little-endian tensor somewhere in memory, for instance in a mapped file. The segment holds exactly
 * the tensor's bytes and need not be aligned.
 *
 * @param name the tensor's name in its file
 * @param type element type
 * @param shape sizes, outermost first; empty for a scalar
 * @param data the bytes; readable as long as whoever opened the file keeps it open
 */
public record TensorView(String name, ElementType type, long[] shape, MemorySegment data) {
    /** Number of elements: the product of the shape. */
    public long elements() {
        return elements(shape);
    }

    /** The product of a shape's sizes; throws {@link ArithmeticException} when it does not fit a long. */
    public static long elements(long[] shape) {
        long product = 1;
        for (long size : shape) {
            product = Math.multiplyExact(product, size);
        }
        return product;
    }

    @Override
    public String toString() {
        return name + " " + type + Arrays.toString(shape);
    }
}
