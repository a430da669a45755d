package sn9.chain.scale;

/** The primitive types of a registry, in the order of their tags (paritytech/scale-info:src/ty/mod.rs). */
public enum Primitive {
    BOOL,
    CHAR,
    STR,
    U8,
    U16,
    U32,
    U64,
    U128,
    U256,
    I8,
    I16,
    I32,
    I64,
    I128,
    I256;

    /** Whether this is a whole number. */
    public boolean isNumber() {
        return compareTo(U8) >= 0;
    }

    /** Whether this is a whole number with a sign. */
    public boolean isSigned() {
        return compareTo(I8) >= 0;
    }

    /** Bytes of a whole number. */
    public int bytes() {
        if (!isNumber()) {
            throw new IllegalArgumentException(this + " has no fixed number of bytes");
        }
        return 1 << ordinal() - (isSigned() ? I8 : U8).ordinal();
    }
}
