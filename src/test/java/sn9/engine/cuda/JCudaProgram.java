package sn9.engine.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.engine.EngineException;
import sn9.engine.Engines;
import sn9.tensor.ElementType;

/** What a user of JCuda does with our buffers; a process of its own, since a driver is loaded once. Prints what it saw. */
final class JCudaProgram {
    private JCudaProgram() {}

    @SuppressWarnings("restricted")
    public static void main(String[] arguments) throws Throwable {
        try (Engine engine = Engines.open(arguments[0], 1, ElementType.F32);
                Arena arena = Arena.ofConfined();
                Buffer from = engine.allocate("from", 16);
                Buffer to = engine.allocate("to", 16)) {
            try (var interop = JCudaInterop.of(engine)) {
                engine.ops().fill(from, 7, 4);
                engine.synchronize();
                System.out.println("stream " + Long.toUnsignedString(engine.nativeStream()));
                JCudaDriver.cuMemcpyDtoDAsync(
                        interop.devicePointer(to), interop.devicePointer(from), 16, interop.stream());
                JCudaDriver.cuStreamSynchronize(interop.stream());
                JCudaDriver.cuMemcpyHtoD(
                        interop.devicePointer(to.slice("last", 12, 4)), Pointer.to(new float[] {3}), 4);
                MemorySegment back = arena.allocate(16);
                engine.download(back, to);
                System.out.println("values " + Arrays.toString(back.toArray(ValueLayout.JAVA_FLOAT)));
            }
            var calls = Linker.nativeLinker()
                    .downcallHandle(
                            SymbolLookup.libraryLookup("libcuda.so.1", Arena.global())
                                    .findOrThrow("sn9_driver_calls"),
                            FunctionDescriptor.of(ValueLayout.ADDRESS));
            System.out.println(
                    ((MemorySegment) calls.invokeExact()).reinterpret(4096).getString(0));
        } catch (EngineException e) {
            System.out.println("refused: " + e.getMessage());
        }
    }
}
