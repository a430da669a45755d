package sn9.engine;

import static sn9.engine.NativeFunction.DEVICE_COUNT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.tensor.ElementType;

/** Opens the engine that a {@code --device} names. */
public final class Engines {
    private static final Logger log = LoggerFactory.getLogger(Engines.class);

    private static final String CPU = "sn9cpu";
    private static final String CUDA = "sn9cuda";
    /** The CUDA kernels built by the host compiler: a device for tests, many thousand times slower than a GPU. */
    private static final String CUDA_ON_HOST = "cudahost";

    /**
     * Names the file to open as the CUDA library, for rehearsing what a GPU machine does with the host build of the kernels
     * in the device's place.
     */
    static final String CUDA_LIBRARY_PROPERTY = "sn9.cuda.library";

    /** The CUDA library's launchers over no device at all. */
    private static final String PLAN = "sn9plan";

    private static final Pattern CUDA_DEVICE = Pattern.compile("cuda(?::(\\d{1,3}))?");

    private Engines() {}

    /** As {@link #open(String, int, ElementType)}, computing in f32. */
    public static Engine open(String device, int threads) {
        return open(device, threads, ElementType.F32);
    }

    /**
     * Opens an engine for the calling thread.
     *
     * @param device {@code cpu}, {@code cuda}, {@code cuda:N}, or {@code auto}: the first GPU where there is one, else the
     *     CPU, which is then said with the reason
     * @param threads worker threads of the CPU engine, 0 for one per processor
     * @param activationType F32, or BF16 where the device can
     * @throws IllegalArgumentException when the name is none of these
     * @throws EngineException when the device cannot be had; its cause, where there is one, is the device's own refusal
     */
    public static Engine open(String device, int threads, ElementType activationType) {
        if (device.equals("cpu")) {
            return open("cpu", CPU, 0, threads, activationType);
        }
        if (device.equals(CUDA_ON_HOST)) {
            return open(CUDA_ON_HOST, "sn9" + CUDA_ON_HOST, 0, threads, activationType);
        }
        var cuda = CUDA_DEVICE.matcher(device);
        if (!cuda.matches() && !device.equals("auto")) {
            throw new IllegalArgumentException(
                    "--device is \"" + device + "\", expected auto, cpu, cuda or cuda:N with N a number");
        }
        String missing = whyNoCuda().orElse(null);
        EngineException refusal = null;
        if (missing == null) {
            int number = device.equals("auto") || cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1));
            try {
                return NativeEngine.open(
                        "cuda:" + number, OpsLibrary.open(cudaLibrary()), number, threads, activationType);
            } catch (EngineException e) {
                // The driver lists it, but it is too old, or another process has it for itself.
                refusal = e;
                missing = e.getMessage();
            }
        }
        if (!device.equals("auto")) {
            throw new EngineException("--device " + device + ": " + missing + "; use --device cpu or auto", refusal);
        }
        log.info("device=cpu reason=\"{}\" silence=\"--device cpu\"", missing);
        return open("cpu", CPU, 0, threads, activationType);
    }

    /**
     * Opens an engine that only counts: it allocates what the CUDA library would on a card, and everything else it is asked
     * does nothing. Nothing may be computed with it, and nothing read back means anything.
     */
    public static Engine openPlan(Card card, ElementType activationType) {
        return open("plan:" + card, PLAN, card.ordinal(), 1, activationType);
    }

    /** Why there is no CUDA device to open; empty when there is one. */
    public static Optional<String> whyNoCuda() {
        if (System.getProperty(CUDA_LIBRARY_PROPERTY) == null && !NativeLibrary.exists(CUDA)) {
            return Optional.of("this build carries no CUDA kernels (it was made where there is no nvcc or no driver)");
        }
        try (Arena arena = Arena.ofConfined()) {
            OpsLibrary library = OpsLibrary.open(cudaLibrary());
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            int status = (int) library.get(DEVICE_COUNT).invokeExact(count.address());
            return status == 0 && count.get(ValueLayout.JAVA_INT, 0) > 0
                    ? Optional.empty()
                    : Optional.of(library.lastError());
        } catch (EngineException e) {
            return Optional.of(e.getMessage());
        } catch (Throwable e) {
            throw OpsLibrary.unexpected(e);
        }
    }

    private static Path cudaLibrary() {
        String named = System.getProperty(CUDA_LIBRARY_PROPERTY);
        return named == null ? NativeLibrary.locate(CUDA) : Path.of(named).toAbsolutePath();
    }

    private static Engine open(String name, String library, int device, int threads, ElementType activationType) {
        return NativeEngine.open(name, OpsLibrary.open(NativeLibrary.locate(library)), device, threads, activationType);
    }
}
