package sn9.engine.cuda;

import java.lang.reflect.Constructor;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.engine.EngineException;

/**
 * An engine's buffers and stream as JCuda's: in the same primary context, so that nothing is copied, and in the same stream,
 * so that nothing waits. For programs of their own that use JCuda's driver API or JCublas on our memory; the engine itself
 * does not need it. Belongs to the engine's thread, whose current context it sets.
 *
 * <p>Put {@code org.jcuda:jcuda:12.6.0} and its natives on the class path. JCuda's runtime API (cudart of its own) works too
 * on a real driver, since it shares the primary context.
 */
public final class JCudaInterop implements AutoCloseable {
    private final Engine engine;
    private final CUdevice device = new CUdevice();
    private final CUstream stream;
    private boolean closed;

    private JCudaInterop(Engine engine, int number) {
        this.engine = engine;
        this.stream = stream(engine.nativeStream());
        check("cuInit", JCudaDriver.cuInit(0));
        check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, number));
        var context = new CUcontext();
        check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
        int status = JCudaDriver.cuCtxSetCurrent(context);
        if (status != CUresult.CUDA_SUCCESS) {
            JCudaDriver.cuDevicePrimaryCtxRelease(device);
            check("cuCtxSetCurrent", status);
        }
    }

    /**
     * Enters the primary context of an engine's device on this thread.
     *
     * @throws EngineException when the engine is no GPU's, JCuda or its natives are missing, or the driver refuses
     */
    public static JCudaInterop of(Engine engine) {
        String name = engine.name();
        int colon = name.indexOf(':');
        int number = colon < 0 ? 0 : Integer.parseInt(name.substring(colon + 1));
        try {
            return new JCudaInterop(engine, number);
        } catch (NoClassDefFoundError e) {
            throw new EngineException(
                    "JCuda is not on the class path: put org.jcuda:jcuda:12.6.0 and jcuda-natives there", e);
        } catch (UnsatisfiedLinkError | CudaException e) {
            throw new EngineException(
                    "JCuda's native library does not load: it needs jcuda-natives 12.6.0 on the class path and an NVIDIA"
                            + " driver (libcuda.so.1): "
                            + e.getMessage().lines().findFirst().orElse(""),
                    e);
        }
    }

    /** A buffer's memory. Valid until the buffer's memory is freed; its size is {@link Buffer#bytes}. */
    public Pointer pointer(Buffer buffer) {
        return devicePointer(buffer);
    }

    /** A buffer's memory for the driver API. */
    public CUdeviceptr devicePointer(Buffer buffer) {
        return new CUdeviceptr().withByteOffset(engine.address(buffer));
    }

    /** The engine's computing stream: what is asked in it stands in order with the engine's operations. */
    public CUstream stream() {
        return stream;
    }

    private static void check(String call, int status) {
        if (status != CUresult.CUDA_SUCCESS) {
            throw new EngineException(call + " through JCuda: " + CUresult.stringFor(status));
        }
    }

    /** JCuda makes streams from handles only for itself. */
    private static CUstream stream(long handle) {
        try {
            Constructor<CUstream> constructor = CUstream.class.getDeclaredConstructor(long.class);
            constructor.setAccessible(true);
            return constructor.newInstance(handle);
        } catch (ReflectiveOperationException e) {
            throw new EngineException("this JCuda has no CUstream(long), as 12.6.0 has: use that release", e);
        }
    }

    /** Gives the primary context back; the engine keeps it alive. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            check("cuDevicePrimaryCtxRelease", JCudaDriver.cuDevicePrimaryCtxRelease(device));
        }
    }
}
