package sn9.engine;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.tensor.ElementType;

/** Opens the engine that a {@code --device} names. */
public final class Engines {
    private static final Logger log = LoggerFactory.getLogger(Engines.class);

    private Engines() {}

    /**
     * Opens an engine for the calling thread.
     *
     * @param device {@code cpu}, {@code cuda}, {@code cuda:N}, or {@code auto}: CUDA where there is one, else the CPU
     * @param threads worker threads of the CPU engine, 0 for one per processor
     * @throws IllegalArgumentException when the name is none of these
     * @throws EngineException when the device cannot be had
     */
    public static Engine open(String device, int threads) {
        if (device.equals("cpu")) {
            return cpu(threads);
        }
        if (device.equals("auto")) {
            log.info("device=cpu reason=\"{}\" silence=\"--device cpu\"", whyNoCuda());
            return cpu(threads);
        }
        if (device.matches("cuda(:\\d{1,3})?")) {
            throw new EngineException("--device " + device + ": " + whyNoCuda() + "; use --device cpu or auto");
        }
        throw new IllegalArgumentException(
                "--device is \"" + device + "\", expected auto, cpu, cuda or cuda:N with N a number");
    }

    /** Why {@link #open} has no CUDA device to offer. */
    public static String whyNoCuda() {
        return "this build carries no CUDA kernels";
    }

    private static Engine cpu(int threads) {
        return NativeEngine.open("cpu", OpsLibrary.open(NativeLibrary.locate("sn9cpu")), 0, threads, ElementType.F32);
    }
}
