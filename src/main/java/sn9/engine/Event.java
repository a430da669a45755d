package sn9.engine;

import static sn9.engine.NativeFunction.EVENT_FREE;
import static sn9.engine.NativeFunction.EVENT_RECORD;
import static sn9.engine.NativeFunction.EVENT_SYNCHRONIZE;
import static sn9.engine.NativeFunction.EVENT_WAIT;

/** A point in the order of a stream, for other streams and for the host to wait for. Never recorded, it is past. */
public final class Event extends Handle {
    Event(NativeEngine engine, String label, long handle) {
        super(engine, label, handle);
    }

    /** Marks the present end of the selected stream. */
    public void record() {
        engine().call(() -> (int) engine().library.get(EVENT_RECORD).invokeExact(engine().context(), handle()));
    }

    /** Makes what the selected stream is asked from now on wait for the mark. */
    public void await() {
        engine().call(() -> (int) engine().library.get(EVENT_WAIT).invokeExact(engine().context(), handle()));
    }

    /** Makes the calling thread wait for the mark. */
    public void synchronize() {
        engine().call(() -> (int) engine().library.get(EVENT_SYNCHRONIZE).invokeExact(engine().context(), handle()));
    }

    @Override
    void free(NativeEngine owner, long freed) {
        owner.call(() -> (int) owner.library.get(EVENT_FREE).invokeExact(owner.context(), freed));
    }
}
