package sn9.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** The substitute for cuBLASLt (native/test/substitute_cublaslt.cpp) as the library that engines find, until closed. */
public final class Substitute implements AutoCloseable {
    private static final String VARIABLE = "SN9_CUBLASLT";

    private final String before; // Java reads the environment once, when it is first asked: not after the change

    private Substitute(String before) {
        this.before = before;
    }

    /** Names it in the environment that native code reads. */
    public static Substitute cublaslt() {
        Path library = HostBuild.LIBRARY.resolveSibling("substitute").resolve("libcublasLt.so.13");
        var substitute = new Substitute(System.getenv(VARIABLE));
        call("setenv", library.toString());
        return substitute;
    }

    @Override
    public void close() {
        call(before == null ? "unsetenv" : "setenv", before);
    }

    @SuppressWarnings("restricted")
    private static void call(String function, String value) {
        Linker linker = Linker.nativeLinker();
        var symbol = linker.defaultLookup().findOrThrow(function);
        try (Arena arena = Arena.ofConfined()) {
            var name = arena.allocateFrom(VARIABLE);
            int status = value == null
                    ? (int) linker.downcallHandle(
                                    symbol, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
                            .invokeExact(name)
                    : (int) linker.downcallHandle(
                                    symbol,
                                    FunctionDescriptor.of(
                                            ValueLayout.JAVA_INT,
                                            ValueLayout.ADDRESS,
                                            ValueLayout.ADDRESS,
                                            ValueLayout.JAVA_INT))
                            .invokeExact(name, arena.allocateFrom(value), 1);
            if (status != 0) {
                throw new IllegalStateException(function + "(" + VARIABLE + ") returned " + status);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(function + " failed", e);
        }
    }
}
