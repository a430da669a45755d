package sn9.engine;

/**
 * A stretch of device memory. A buffer that {@link Engine#allocate} made owns its memory and is closed; one of a
 * {@link BufferArena} and a slice are views and die with what they lie in. Contents are undefined until written.
 */
public final class Buffer implements AutoCloseable {
    private final NativeEngine engine; // null for all but an owner
    private final String label;
    private final long bytes;
    private final long offset; // in the parent; the device address of an owner
    private Buffer parent; // null for an owner, and before an arena has its memory
    private boolean closed;

    private Buffer(NativeEngine engine, Buffer parent, String label, long offset, long bytes) {
        this.engine = engine;
        this.parent = parent;
        this.label = label;
        this.offset = offset;
        this.bytes = bytes;
    }

    /** A buffer that owns its memory. */
    static Buffer owner(NativeEngine engine, String label, long address, long bytes) {
        return new Buffer(engine, null, label, address, bytes);
    }

    /** An arena's block, which has no memory yet. */
    static Buffer unplaced(String label) {
        return new Buffer(null, null, label, 0, 0);
    }

    /** A part of a block that has no memory yet. */
    Buffer planned(String name, long at, long length) {
        return new Buffer(null, this, name, at, length);
    }

    /** Gives a block its memory. */
    void place(Buffer memory) {
        parent = memory;
    }

    /** Makes every view of this block unusable. */
    void die() {
        closed = true;
    }

    /** What this memory is for; stands in messages. */
    public String label() {
        return label;
    }

    /** Its size in bytes. */
    public long bytes() {
        return bytes;
    }

    /** Its size in 4-byte elements. */
    public long floats() {
        return bytes / Float.BYTES;
    }

    /**
     * A view of {@code length} bytes from {@code at} on.
     *
     * @throws IllegalArgumentException when they are not inside this buffer
     */
    public Buffer slice(String name, long at, long length) {
        if (at < 0 || length < 0 || at > bytes - length) {
            throw new IllegalArgumentException(
                    name + ": bytes " + at + " to " + (at + length) + " are outside of " + this);
        }
        return new Buffer(null, this, name, at, length);
    }

    /**
     * The device address.
     *
     * @throws IllegalStateException when the memory is gone, or not there yet
     */
    long address() {
        long address = 0;
        for (Buffer b = this; ; b = b.parent) {
            if (b.closed) {
                throw new IllegalStateException("the buffer " + label + " is used after its memory was freed");
            }
            address += b.offset;
            if (b.engine != null) {
                return address;
            }
            if (b.parent == null) {
                throw new IllegalStateException("the buffer " + label + " is used before its arena was committed");
            }
        }
    }

    /** Frees the memory; a second call and a call on a view do nothing. */
    @Override
    public void close() {
        if (engine != null && !closed) {
            engine.free(this);
            closed = true;
        }
    }

    @Override
    public String toString() {
        return label + " (" + bytes + " bytes)";
    }
}
