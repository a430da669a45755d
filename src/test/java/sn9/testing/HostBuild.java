package sn9.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** What the host build of the CUDA kernels plays (native/cudahost/settings.h), set until closed. */
public final class HostBuild implements AutoCloseable {
    /** The library. */
    public static final Path LIBRARY =
            Path.of(System.getProperty("sn9.native.dir"), "libsn9cudahost.so").toAbsolutePath();

    private final String setting;

    private HostBuild(String setting, String value) {
        this.setting = setting;
        set(setting, value);
    }

    /** Sets one setting by its name in lower case: {@code seed}, {@code streams}, {@code driver}. */
    public static HostBuild with(String setting, Object value) {
        return new HostBuild(setting, value.toString());
    }

    /** What the environment says of it, or the default, holds again. */
    @Override
    public void close() {
        set(setting, "");
    }

    @SuppressWarnings("restricted")
    private static void set(String setting, String value) {
        try (Arena arena = Arena.ofConfined()) {
            var function = Linker.nativeLinker()
                    .downcallHandle(
                            SymbolLookup.libraryLookup(LIBRARY, Arena.global()).findOrThrow("sn9_host_set"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
            MemorySegment name = arena.allocateFrom(setting);
            if ((int) function.invokeExact(name, arena.allocateFrom(value)) != 0) {
                throw new IllegalArgumentException("the host build has no setting " + setting + " = " + value);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("sn9_host_set failed", e);
        }
    }
}
