package sn9.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import sn9.tensor.ElementType;

/**
 * One device with its memory and its math. An engine belongs to the thread that opened it; every call from another
 * thread is an {@link IllegalStateException}. Closing it with buffers still open is one too, and names them.
 */
public interface Engine extends AutoCloseable {
    /** Short name for reports: {@code cpu}, {@code cuda:0}. */
    String name();

    /** What the library says of the device: {@code isa}, {@code threads}, {@code onednn}, {@code memory_bytes}. */
    Map<String, String> properties();

    /** What activations and the operands of matrix products are: f32, or bf16. */
    ElementType activationType();

    /** Multiples to which this device's kernels want sizes padded. */
    Padding padding();

    /** The operations of the GPT-2 graph on this device. */
    Ops ops();

    /**
     * Allocates device memory, 64-byte aligned, contents undefined.
     *
     * @param label what it is for; stands in messages
     * @throws EngineException when there is not so much
     */
    Buffer allocate(String label, long bytes);

    /** Copies all of a host segment to the start of a buffer. */
    void upload(Buffer to, MemorySegment from);

    /** Fills a host segment from the start of a buffer. */
    void download(MemorySegment to, Buffer from);

    /**
     * The contents of a buffer for reading on the host: the memory itself where the device's memory is the host's, else a
     * copy in the arena. Valid until the buffer is written or closed, or the arena is.
     */
    MemorySegment read(Buffer from, Arena arena);

    /**
     * Makes the workspace large enough for a model of these sizes in memory; called before a step, never inside one.
     *
     * @param F width of the MLP
     */
    void reserve(int B, int T, int C, int NH, int HS, int F, int V, boolean training);

    /** Waits for everything asked of the device. */
    void synchronize();

    @Override
    void close();
}
