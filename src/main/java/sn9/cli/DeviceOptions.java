package sn9.cli;

import picocli.CommandLine.Option;

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
            description = "Arithmetic: fp32. Default: ${DEFAULT-VALUE}")
    private Precision precision;

    /** Arithmetic of the forward and backward passes. */
    public enum Precision {
        /** 32-bit floating point throughout, the numbers of the reference. */
        FP32
    }

    /** {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}. */
    public String device() {
        return device;
    }

    /** CPU threads; 0 is one per core. */
    public int threads() {
        return threads;
    }

    /** Arithmetic of the forward and backward passes. */
    public Precision precision() {
        return precision;
    }
}
