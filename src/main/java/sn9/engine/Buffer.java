package sn9.engine;

/**
 * A stretch of device memory. A buffer that {@link Engine#allocate} made owns its memory and is closed; a slice of it is a
 * view and dies with it. Contents are undefined until written.
 */
public final class Buffer implements AutoCloseable {
    private final NativeEngine engine;
    private final Buffer parent; // null for an owner
    private final String label;
    private final long address;
    private final long bytes;
    private boolean closed;

    Buffer(NativeEngine engine, Buffer parent, String label, long address, long bytes) {
        this.engine = engine;
        this.parent = parent;
        this.label = label;
        this.address = address;
        this.bytes = bytes;
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
     * A view of {@code bytes} bytes from {@code offset} on.
     *
     * @throws IllegalArgumentException when they are not inside this buffer
     */
    public Buffer slice(String name, long offset, long length) {
        if (offset < 0 || length < 0 || offset > bytes - length) {
            throw new IllegalArgumentException(
                    name + ": bytes " + offset + " to " + (offset + length) + " are outside of " + this);
        }
        return new Buffer(engine, this, name, address + offset, length);
    }

    /**
     * The device address.
     *
     * @throws IllegalStateException when the memory is gone
     */
    long address() {
        for (Buffer b = this; b != null; b = b.parent) {
            if (b.closed) {
                throw new IllegalStateException("the buffer " + label + " is used after its memory was freed");
            }
        }
        return address;
    }

    /** Frees the memory; a second call and a call on a slice do nothing. */
    @Override
    public void close() {
        if (parent == null && !closed) {
            engine.free(this);
            closed = true;
        }
    }

    @Override
    public String toString() {
        return label + " (" + bytes + " bytes)";
    }
}
