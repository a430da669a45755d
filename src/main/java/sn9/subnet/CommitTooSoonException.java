package sn9.subnet;

import sn9.RemoteCallException;

/** The chain's rate limit for commitments still runs; the same commitment may be made later. */
public final class CommitTooSoonException extends RemoteCallException {
    private static final long serialVersionUID = 1L;

    private final long blocksToWait;

    /** Reports how many blocks are left of the limit. */
    public CommitTooSoonException(String message, long blocksToWait) {
        super(message, true);
        this.blocksToWait = blocksToWait;
    }

    /** Blocks until the chain takes the next commitment of this hotkey. */
    public long blocksToWait() {
        return blocksToWait;
    }
}
