package sn9.chain;

import sn9.MalformedDataException;
import sn9.RemoteCallException;

/** The chain, or the node in front of it, said no, did not answer, or answered what cannot be understood. */
public class ChainException extends RemoteCallException {
    private static final long serialVersionUID = 1L;

    /**
     * Reports a refused or failed call.
     *
     * @param message which call, to whom, what came back
     * @param retryable whether the same call may succeed later
     */
    public ChainException(String message, boolean retryable) {
        super(message, retryable);
    }

    /** As {@link #ChainException(String, boolean)}, with the cause below. */
    public ChainException(String message, boolean retryable, Throwable cause) {
        super(message, retryable, cause);
    }

    /** An answer that this version cannot understand: the runtime has another layout, or the node is broken. */
    static ChainException misunderstood(String what, MalformedDataException cause) {
        return new ChainException(what + ": " + cause.getMessage(), false, cause);
    }
}
