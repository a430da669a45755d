package sn9.engine;

import static sn9.engine.NativeFunction.PINNED_FREE;

import java.lang.foreign.MemorySegment;

/** Host memory that a device writes to by itself (pinned): the destination of downloads nobody waits for at once. */
public final class HostBuffer extends Handle {
    private final MemorySegment memory;

    @SuppressWarnings("restricted")
    HostBuffer(NativeEngine engine, String label, long address, long bytes) {
        super(engine, label, address);
        this.memory = MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** The memory. What a download puts here may be read once an {@link Event} recorded after it is past. */
    public MemorySegment memory() {
        handle();
        return memory;
    }

    @Override
    void free(NativeEngine engine, long handle) {
        engine.call(() -> (int) engine.library.get(PINNED_FREE).invokeExact(engine.context(), handle));
    }
}
