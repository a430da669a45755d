package sn9.engine;

import java.util.Map;

/**
 * One piece of an engine's device memory.
 *
 * @param label what it is for
 * @param bytes its size
 * @param parts bytes by label of what an arena's plan puts into it; empty where it is no arena's
 */
public record MemoryUse(String label, long bytes, Map<String, Long> parts) {}
