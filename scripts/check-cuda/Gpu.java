import java.util.List;

/**
 * What a compute capability offers a multiprocessor's blocks. Source: CUDA C++ programming guide 13.0, table of
 * technical specifications per compute capability.
 *
 * @param arch as nvcc names it after {@code sm_}
 * @param sharedPerBlock bytes, opted in
 * @param sharedPerProcessor bytes
 */
record Gpu(String arch, int sharedPerBlock, int sharedPerProcessor, int threads, int blocks) {
    static final int REGISTERS = 65_536;
    private static final int KILO = 1024;
    /** Of shared memory, which the driver keeps of every block's. */
    private static final int RESERVED = KILO;

    private static final List<Gpu> KNOWN = List.of(
            new Gpu("80", 163 * KILO, 164 * KILO, 2048, 32),
            new Gpu("86", 99 * KILO, 100 * KILO, 1536, 16),
            new Gpu("89", 99 * KILO, 100 * KILO, 1536, 24),
            new Gpu("90", 227 * KILO, 228 * KILO, 2048, 32),
            new Gpu("90a", 227 * KILO, 228 * KILO, 2048, 32),
            new Gpu("100", 227 * KILO, 228 * KILO, 2048, 32),
            new Gpu("120", 99 * KILO, 100 * KILO, 1536, 24));

    static List<String> names() {
        return KNOWN.stream().map(Gpu::arch).toList();
    }

    static Gpu of(String arch) {
        return KNOWN.stream()
                .filter(gpu -> gpu.arch.equals(arch))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("unknown architecture " + arch + ", expected some of " + names()));
    }

    /** Registers that a block takes: each thread's rounded up to 8, the warps to 4. */
    static int registersOfBlock(int perThread, int threads) {
        return roundUp(perThread, 8) * roundUp(threads, 128);
    }

    /** Blocks of a kernel that a multiprocessor holds at once; 0 where it has no launch bounds. */
    int occupancy(Kernel kernel) {
        if (kernel.threads() == 0) return 0;
        int byRegisters = REGISTERS / registersOfBlock(kernel.registers(), kernel.threads());
        int byShared = sharedPerProcessor / (roundUp(kernel.shared(), 128) + RESERVED);
        int byThreads = threads / roundUp(kernel.threads(), 32);
        return Math.min(Math.min(byRegisters, byShared), Math.min(byThreads, blocks));
    }

    private static int roundUp(int value, int multiple) {
        return (value + multiple - 1) / multiple * multiple;
    }
}
