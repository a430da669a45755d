package sn9.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Many buffers in one stretch of device memory. First they are planned, each with {@link #allocate}; then {@link #commit}
 * allocates all of them at once and they may be used. {@link #reset} begins a new plan over the same memory, which is kept
 * where it is large enough: going from one model to the next then allocates nothing.
 */
public final class BufferArena implements Allocator, AutoCloseable {
    private static final long ALIGNMENT = 256; // bytes: the strictest of all devices

    private final Engine engine;
    private final String label;
    private final List<Buffer> planned = new ArrayList<>();
    private Buffer memory; // null before the first commit
    private Buffer block; // the parent of all that is planned now
    private long end;

    /** An empty arena; the label stands in messages. */
    public BufferArena(Engine engine, String label) {
        this.engine = engine;
        this.label = label;
        this.block = Buffer.unplaced(label);
    }

    @Override
    public Buffer allocate(String name, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException(name + ": " + bytes + " bytes");
        }
        Buffer buffer = block.planned(name, end, bytes);
        planned.add(buffer);
        end = Math.addExact(end, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        return buffer;
    }

    /** What has been planned, in bytes. */
    public long bytes() {
        return end;
    }

    /**
     * Makes the planned buffers usable.
     *
     * @throws EngineException when the memory is not to be had; the message says what most of it was for
     */
    public void commit() {
        if (memory == null || memory.bytes() < end) {
            release();
            try {
                memory = engine.allocate(label, end);
            } catch (EngineException e) {
                throw new EngineException(e.getMessage() + "; " + this, e);
            }
        }
        block.place(memory);
    }

    /** Forgets the plan and whatever its buffers hold; using them afterwards is an {@link IllegalStateException}. */
    public void reset() {
        block.die();
        block = Buffer.unplaced(label);
        planned.clear();
        end = 0;
    }

    /** The plan: the sum, and the largest parts by label. */
    @Override
    public String toString() {
        var parts =
                planned.stream().collect(Collectors.groupingBy(Buffer::label, Collectors.summingLong(Buffer::bytes)));
        return "%s need %.1f MiB: %s"
                .formatted(
                        label,
                        end / 1048576.0,
                        parts.entrySet().stream()
                                .sorted(Comparator.comparingLong(part -> -part.getValue()))
                                .limit(5)
                                .map(part -> "%s %.1f".formatted(part.getKey(), part.getValue() / 1048576.0))
                                .collect(Collectors.joining(", ")));
    }

    private void release() {
        if (memory != null) {
            memory.close();
            memory = null;
        }
    }

    @Override
    public void close() {
        block.die();
        release();
    }
}
