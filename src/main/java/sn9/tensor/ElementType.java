package sn9.tensor;

/** The type of a tensor's elements, as the C ABI and the safetensors format know it. */
public enum ElementType {
    F32(4, 0),
    BF16(2, 1),
    F16(2, 2),
    F64(8, 3),
    I32(4, 4),
    I64(8, 5),
    U8(1, 6),
    BOOL(1, 7);

    private final int bytes;
    private final int code;

    ElementType(int bytes, int code) {
        this.bytes = bytes;
        this.code = code;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The number that stands for this type in {@code sn9_ops.h}. */
    public int code() {
        return code;
    }

    /** Whether this is one of the floating-point types a parameter may be stored in. */
    public boolean isFloat() {
        return this == F32 || this == BF16 || this == F16 || this == F64;
    }
}
