package sn9.engine;

/** Where buffers come from: an {@link Engine}, one allocation for each, or a {@link BufferArena}, one for all. */
public interface Allocator {
    /**
     * Device memory, aligned for every operation, contents undefined.
     *
     * @param label what it is for; stands in messages
     * @throws EngineException when there is not so much
     */
    Buffer allocate(String label, long bytes);
}
