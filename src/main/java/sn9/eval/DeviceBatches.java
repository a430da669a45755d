package sn9.eval;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import sn9.data.Batch;
import sn9.engine.Buffer;
import sn9.engine.BufferArena;
import sn9.engine.Engine;
import sn9.engine.Event;
import sn9.engine.HostBuffer;

/** Batches of one B and T on the device, with places for their losses: uploaded once for many models. */
final class DeviceBatches implements AutoCloseable {
    private final Engine engine;
    private final List<Batch> batches;
    private final int B;
    private final int N;
    private final Buffer tokens; // (batches, N) i32
    private final Buffer targets; // (batches, N) i32
    private final Buffer means; // (batches, B) f64
    private final HostBuffer results; // (batches, B) f64
    private final Event downloaded;
    private final int largest; // token or target

    /**
     * Uploads batches.
     *
     * @param memory an empty arena, which stays the caller's
     * @throws IllegalArgumentException when they differ in B or T, or a token is negative
     */
    DeviceBatches(Engine engine, BufferArena memory, List<Batch> batches) {
        Batch first = batches.getFirst();
        this.engine = engine;
        this.batches = List.copyOf(batches);
        this.B = first.B();
        this.N = Math.multiplyExact(B, first.T());
        int most = -1;
        for (int i = 0; i < batches.size(); i++) {
            most = Math.max(most, check(i, batches.get(i), first));
        }
        largest = most;
        long ids = (long) batches.size() * N * Integer.BYTES;
        tokens = memory.allocate("tokens", ids);
        targets = memory.allocate("targets", ids);
        means = memory.allocate("mean losses", (long) batches.size() * B * Double.BYTES);
        memory.commit();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(ValueLayout.JAVA_INT, (long) batches.size() * N);
            upload(tokens, host, Batch::tokens);
            upload(targets, host, Batch::targets);
        }
        results = engine.allocateHost("mean losses", means.bytes());
        downloaded = engine.event("mean losses are there");
    }

    /** The largest id of a batch. */
    private static int check(int i, Batch batch, Batch first) {
        if (batch.B() != first.B() || batch.T() != first.T()) {
            throw new IllegalArgumentException("batch " + i + " is " + batch.B() + " x " + batch.T() + ", the first is "
                    + first.B() + " x " + first.T() + "; batches of one evaluation have one size");
        }
        int most = -1;
        for (int p = 0; p < batch.tokens().length; p++) {
            if (batch.tokens()[p] < 0) {
                throw new IllegalArgumentException(
                        "batch " + i + ": token " + batch.tokens()[p] + " at position " + p + " is negative");
            }
            most = Math.max(most, Math.max(batch.tokens()[p], batch.targets()[p]));
        }
        return most;
    }

    private interface Ids {
        int[] of(Batch batch);
    }

    private void upload(Buffer to, MemorySegment host, Ids ids) {
        for (int i = 0; i < batches.size(); i++) {
            MemorySegment.copy(ids.of(batches.get(i)), 0, host, ValueLayout.JAVA_INT, (long) i * N * Integer.BYTES, N);
        }
        engine.upload(to, host);
    }

    /** Whether these are the same batches. */
    boolean are(List<Batch> others) {
        return batches.equals(others);
    }

    /**
     * Checks that a model of {@code vocabulary} words knows every token and target.
     *
     * @throws IllegalArgumentException when one is too large
     */
    void expectInside(int vocabulary) {
        if (largest >= vocabulary) {
            throw new IllegalArgumentException(
                    "token " + largest + " of the batches is outside of the vocabulary of " + vocabulary);
        }
    }

    /** (N) i32 of batch i. */
    Buffer tokens(int i) {
        return tokens.slice("tokens", (long) i * N * Integer.BYTES, (long) N * Integer.BYTES);
    }

    /** (N) i32 of batch i. */
    Buffer targets(int i) {
        return targets.slice("targets", (long) i * N * Integer.BYTES, (long) N * Integer.BYTES);
    }

    /** (B) f64: where the mean losses of batch i belong. */
    Buffer means(int i) {
        return means.slice("mean losses", (long) i * B * Double.BYTES, (long) B * Double.BYTES);
    }

    /** Waits for all mean losses: one array of B for every batch. */
    double[][] download() {
        engine.download(results, means);
        downloaded.record();
        downloaded.synchronize();
        var losses = new double[batches.size()][];
        for (int i = 0; i < losses.length; i++) {
            losses[i] = results.memory()
                    .asSlice((long) i * B * Double.BYTES, (long) B * Double.BYTES)
                    .toArray(ValueLayout.JAVA_DOUBLE);
        }
        return losses;
    }

    @Override
    public void close() {
        results.close();
        downloaded.close();
    }
}
