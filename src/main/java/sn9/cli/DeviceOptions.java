package sn9.cli;

import java.util.Locale;
import picocli.CommandLine.Option;
import sn9.engine.Engine;
import sn9.engine.Engines;
import sn9.tensor.ElementType;

/** What computes. */
public final class DeviceOptions {
    @Option(
            names = "--device",
            paramLabel = "NAME",
            defaultValue = "auto",
            description =
                    "auto, cpu, cuda or cuda:N. auto takes the first GPU and says so when it falls back to the CPU;"
                            + " cuda fails without one. Default: ${DEFAULT-VALUE}")
    private String device;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "CPU threads, 0 for one per core. Results do not depend on it. Default: ${DEFAULT-VALUE}")
    private int threads;

    @Option(
            names = "--precision",
            paramLabel = "NAME",
            defaultValue = "fp32",
            description = "Arithmetic: fp32, or on a GPU bf16 with fp32 sums. Default: ${DEFAULT-VALUE}")
    private Precision precision;

    /** Arithmetic of the forward and backward passes. */
    public enum Precision {
        /** 32-bit floating point throughout, the numbers of the reference. */
        FP32,
        /** bf16 activations and operands; sums, statistics, parameters and losses are fp32. */
        BF16
    }

    /** Opens the device for the calling thread. */
    Engine open() {
        return Engines.open(device, threads, precision == Precision.BF16 ? ElementType.BF16 : ElementType.F32);
    }

    /** {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}. */
    public String device() {
        return device;
    }

    /** CPU threads; 0 is one per core. */
    public int threads() {
        return threads;
    }

    /** {@code fp32} or {@code bf16}. */
    String precisionName() {
        return precision.name().toLowerCase(Locale.ROOT);
    }
}
