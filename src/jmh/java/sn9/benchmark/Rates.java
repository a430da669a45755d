package sn9.benchmark;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What a benchmark prints beside its operations per second, each per second too: gigabytes moved and GFLOP done by the
 * formulas of docs/kernels.md, and the share of the peak that binds it, both peaks measured in the same run.
 */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Rates {
    /** GB/s. */
    public double gigabytes;

    /** GFLOP/s. */
    public double gigaflops;

    /** Of the copy rate or of the product rate, whichever allows less: 1 is all of it. */
    public double peakShare;
}
