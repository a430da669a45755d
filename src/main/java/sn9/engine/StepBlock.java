package sn9.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The scalars that change from step to step ({@code sn9_step}): a host copy and its place in device memory, where the
 * operations read it.
 */
public final class StepBlock implements AutoCloseable {
    private static final long BYTES = 128;
    private static final long LEARNING_RATE = 0;
    private static final long BETA1 = 4;
    private static final long BETA2 = 8;
    private static final long EPSILON = 12;
    private static final long WEIGHT_DECAY = 16;
    private static final long BIAS_CORRECTION1 = 20;
    private static final long BIAS_CORRECTION2 = 24;
    private static final long GRAD_CLIP = 28;
    private static final long LOSS_SCALE = 32;
    private static final long MICRO_STEP = 36;
    private static final long SEED = 40;
    private static final long GRAD_NORM = 48;
    private static final long FINITE = 56;

    private final Engine engine;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment host = arena.allocate(BYTES, 64);
    private final Buffer device;

    /** Makes a block of zeros. */
    public StepBlock(Engine engine) {
        this.engine = engine;
        this.device = engine.allocate("step block", BYTES);
        engine.upload(device, host);
    }

    /** Sets what the optimiser reads at its step number {@code step}, 1 for the first. */
    public void optimizer(
            double learningRate,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            double gradClip,
            long step) {
        host.set(ValueLayout.JAVA_FLOAT, LEARNING_RATE, (float) learningRate);
        host.set(ValueLayout.JAVA_FLOAT, BETA1, (float) beta1);
        host.set(ValueLayout.JAVA_FLOAT, BETA2, (float) beta2);
        host.set(ValueLayout.JAVA_FLOAT, EPSILON, (float) epsilon);
        host.set(ValueLayout.JAVA_FLOAT, WEIGHT_DECAY, (float) weightDecay);
        host.set(ValueLayout.JAVA_FLOAT, BIAS_CORRECTION1, (float) (1 - Math.pow(beta1, step)));
        host.set(ValueLayout.JAVA_FLOAT, BIAS_CORRECTION2, (float) (1 - Math.pow(beta2, step)));
        host.set(ValueLayout.JAVA_FLOAT, GRAD_CLIP, (float) gradClip);
        engine.upload(device, host);
    }

    /**
     * Sets what a forward and backward pass reads.
     *
     * @param lossScale multiplies the gradient of the sum of losses, for instance 1 / (predictions * accumulation)
     * @param seed key of dropout
     * @param microStep counter of dropout, another one for each pass
     */
    public void pass(double lossScale, long seed, long microStep) {
        host.set(ValueLayout.JAVA_FLOAT, LOSS_SCALE, (float) lossScale);
        host.set(ValueLayout.JAVA_LONG, SEED, seed);
        host.set(ValueLayout.JAVA_INT, MICRO_STEP, (int) microStep);
        engine.upload(device, host);
    }

    /** Reads back what {@link Ops#gradNorm} found: the norm, NaN or infinite when some gradient is. */
    public double gradNorm() {
        engine.download(host, device);
        return host.get(ValueLayout.JAVA_INT, FINITE) != 0 ? host.get(ValueLayout.JAVA_DOUBLE, GRAD_NORM) : Double.NaN;
    }

    Buffer device() {
        return device;
    }

    @Override
    public void close() {
        device.close();
        arena.close();
    }
}
