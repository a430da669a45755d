package sn9.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * The functions of {@code sn9_device.h} and {@code sn9_ops.h} bound through FFM: the only class to see method handles.
 * Pointers travel as longs. A status other than SN9_OK becomes an exception with the library's own sentence.
 */
final class OpsLibrary {
    static final int ABI_VERSION = 4;

    private static final int BAD_ARGUMENT = 1;
    static final int UNSUPPORTED = 3;

    private final Linker linker = Linker.nativeLinker();
    private final SymbolLookup symbols;
    /** By ordinal; null until a function is first asked for: to bind all of them takes longer than most commands run. */
    private final MethodHandle[] bound = new MethodHandle[NativeFunction.values().length];

    /**
     * Opens a library for the life of the process.
     *
     * @throws EngineException when it does not load or has another ABI
     */
    @SuppressWarnings("restricted")
    static OpsLibrary open(Path file) {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new EngineException(
                    "the native library " + file + " does not load: " + e.getMessage()
                            + ". It needs Linux on x86-64 with glibc 2.34 or newer, and libgomp.so.1 beside it",
                    e);
        }
        return new OpsLibrary(symbols, file);
    }

    private OpsLibrary(SymbolLookup symbols, Path file) {
        this.symbols = symbols;
        int version;
        try {
            version = (int) get(NativeFunction.ABI_VERSION).invokeExact();
        } catch (Throwable e) {
            throw new EngineException("sn9_abi_version failed in " + file, e);
        }
        if (version != ABI_VERSION) {
            throw new EngineException(file + " has ABI version " + version + ", this jar needs " + ABI_VERSION
                    + ": rebuild with ./mvnw package");
        }
    }

    /** A function as a handle: pointers are longs, and an int status comes back. */
    MethodHandle get(NativeFunction function) {
        MethodHandle handle = bound[function.ordinal()];
        if (handle == null) {
            handle = bind(function.symbol, FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts(function)));
            bound[function.ordinal()] = handle;
        }
        return handle;
    }

    private static MemoryLayout[] layouts(NativeFunction function) {
        return function.parameters
                .chars()
                .mapToObj(c -> (MemoryLayout)
                        switch (c) {
                            case 'P', 'L' -> ValueLayout.JAVA_LONG;
                            case 'I' -> ValueLayout.JAVA_INT;
                            case 'F' -> ValueLayout.JAVA_FLOAT;
                            default -> throw new IllegalArgumentException(function + ": " + (char) c);
                        })
                .toArray(MemoryLayout[]::new);
    }

    @SuppressWarnings("restricted")
    private MethodHandle bind(String symbol, FunctionDescriptor descriptor) {
        return linker.downcallHandle(symbols.findOrThrow(symbol), descriptor);
    }

    /** Turns a status into the exception it stands for. */
    void check(int status) {
        if (status == BAD_ARGUMENT) {
            throw new IllegalArgumentException(lastError());
        }
        if (status != 0) {
            throw new EngineException(lastError());
        }
    }

    /** What the library says of this thread's last failed call. */
    @SuppressWarnings("restricted")
    String lastError() {
        try {
            MethodHandle lastError = bind("sn9_last_error", FunctionDescriptor.of(ValueLayout.ADDRESS));
            return ((MemorySegment) lastError.invokeExact()).reinterpret(512).getString(0);
        } catch (Throwable e) {
            throw new EngineException("sn9_last_error failed", e);
        }
    }

    /** What a downcall may throw, which is nothing: the handles declare Throwable. */
    static EngineException unexpected(Throwable e) {
        if (e instanceof RuntimeException r) {
            throw r;
        }
        if (e instanceof Error error) {
            throw error;
        }
        return new EngineException("a native call failed", e);
    }
}
