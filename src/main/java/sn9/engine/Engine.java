package sn9.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import sn9.tensor.ElementType;

/**
 * One device with its memory and its math. An engine belongs to the thread that opened it; every call from another
 * thread is an {@link IllegalStateException}. Closing it with buffers still open is one too, and names them.
 */
public interface Engine extends Allocator, AutoCloseable {
    /** Where operations and copies queue up; each stream keeps its order. One and the same on the CPU. */
    enum Stream {
        /** Everything that computes; selected at first. */
        COMPUTE,
        /** Uploads and weights of what is computed with next. */
        LOAD
    }

    /** Short name for reports: {@code cpu}, {@code cuda:0}. */
    String name();

    /**
     * What the library says of the device: {@code isa}, {@code threads}, {@code onednn}, {@code memory_bytes}; as of now,
     * for {@code gemm} is known after a training pass only.
     */
    Map<String, String> properties();

    /**
     * What multiplies in training passes, as far as is known: ours and for which processor, or a library and its version.
     * Where this changes, so do bits.
     */
    default String products() {
        String gemm = properties().getOrDefault("gemm", "own");
        return gemm.equals("own") ? "own, " + properties().get("isa") : gemm;
    }

    /** What activations and the operands of matrix products are: f32, or bf16. */
    ElementType activationType();

    /** Multiples to which this device's kernels want sizes padded. */
    Padding padding();

    /** The operations of the GPT-2 graph on this device. */
    Ops ops();

    /** Whether operations are queued and can be captured; else each is complete when its call returns. */
    boolean captures();

    /** Host memory for downloads that nobody waits for at once. */
    HostBuffer allocateHost(String label, long bytes);

    /** A new event, past until it is recorded. */
    Event event(String label);

    /** Captures operations instead of running them; each of their kernels must have run before. */
    Graph capture(String label, Runnable operations);

    /** Runs operations under a name that profilers show. */
    void range(String label, Runnable operations);

    /**
     * Runs the operations of a training pass. Only there may products be those of a library whose results for a row depend on
     * the number of rows; everywhere else the engine's own kernels multiply.
     */
    void trainingPass(Runnable operations);

    /** Selects another stream while an action asks for copies, casts or weights. */
    void on(Stream stream, Runnable action);

    /** Copies all of a host segment to the start of a buffer; the segment may be changed afterwards. */
    void upload(Buffer to, MemorySegment from);

    /** Copies the start of one buffer to the start of another. */
    void copy(Buffer to, Buffer from, long bytes);

    /** Asks for the start of a buffer, as much as the host buffer holds; there once an event recorded after it is past. */
    void download(HostBuffer to, Buffer from);

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

    /** The device's own address of a buffer, for other libraries that work on it; valid until its memory is freed. */
    long address(Buffer buffer);

    /**
     * The device's own handle of the computing stream (a {@code cudaStream_t} of the device's primary context), for other
     * libraries whose work is to stand in its order.
     *
     * @throws EngineException when the device has none, as the CPU
     */
    long nativeStream();

    /**
     * Makes room for a tensor of so many bytes on its way into the selected stream, as its file has it; otherwise that is
     * done when one is loaded.
     */
    void reserveLoading(long bytes);

    /** The device memory it holds now, in the order of allocation, the workspace last. */
    List<MemoryUse> memory();

    /** Waits for everything asked of the device. */
    void synchronize();

    @Override
    void close();
}
