package sn9.engine;

/** Something that an engine lent and gets back when it is closed. */
abstract sealed class Handle implements AutoCloseable permits Event, Graph, HostBuffer {
    private final NativeEngine engine;
    private final String label;
    private final long handle;
    private boolean closed;

    Handle(NativeEngine engine, String label, long handle) {
        this.engine = engine;
        this.label = label;
        this.handle = handle;
    }

    /**
     * What the library knows it by.
     *
     * @throws IllegalStateException when it is closed
     */
    final long handle() {
        if (closed) {
            throw new IllegalStateException(label + " is used after it was closed");
        }
        return handle;
    }

    final NativeEngine engine() {
        return engine;
    }

    abstract void free(NativeEngine owner, long freed);

    /** Gives it back; a second call does nothing. */
    @Override
    public final void close() {
        if (!closed) {
            free(engine, handle);
            engine.returned(this);
            closed = true;
        }
    }

    @Override
    public final String toString() {
        return label;
    }
}
