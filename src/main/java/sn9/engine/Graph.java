package sn9.engine;

import static sn9.engine.NativeFunction.GRAPH_FREE;
import static sn9.engine.NativeFunction.GRAPH_LAUNCH;

/** Operations that were captured once, with their addresses, and are launched together any number of times. */
public final class Graph extends Handle {
    private final long workspaceMoves; // of the engine when this was captured

    Graph(NativeEngine engine, String label, long handle) {
        super(engine, label, handle);
        this.workspaceMoves = engine.workspaceMoves();
    }

    /** Whether the addresses it was captured with still hold: the workspace has not moved. */
    public boolean valid() {
        return workspaceMoves == engine().workspaceMoves();
    }

    /** Puts all of its operations into the computing stream. */
    public void launch() {
        engine().call(() -> (int) engine().library.get(GRAPH_LAUNCH).invokeExact(engine().context(), handle()));
    }

    @Override
    void free(NativeEngine owner, long freed) {
        owner.call(() -> (int) owner.library.get(GRAPH_FREE).invokeExact(owner.context(), freed));
    }
}
