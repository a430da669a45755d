package sn9.engine;

/**
 * A fixed list of operations that is asked for again and again. Where the engine can, they are run one by one the first
 * time, which loads their kernels, captured the second time, and from then on launched as one {@link Graph}. Everything
 * that changes between runs must therefore lie in device memory, not in arguments.
 */
public final class Replay implements AutoCloseable {
    private final Engine engine;
    private final String label;
    private final Runnable operations;
    private boolean ran;
    private Graph graph; // null until captured

    /** Nothing is run yet. */
    public Replay(Engine engine, String label, Runnable operations) {
        this.engine = engine;
        this.label = label;
        this.operations = operations;
    }

    /** Asks for the operations. */
    public void run() {
        if (!ran || !engine.captures()) {
            engine.range(label, operations);
            ran = true;
            return;
        }
        if (graph == null || !graph.valid()) {
            close();
            graph = engine.capture(label, operations);
        }
        graph.launch();
    }

    /** Whether the next run is one launch. */
    public boolean captured() {
        return graph != null && graph.valid();
    }

    @Override
    public void close() {
        if (graph != null) {
            graph.close();
            graph = null;
        }
    }
}
