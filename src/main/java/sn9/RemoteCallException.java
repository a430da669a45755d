package sn9;

import java.io.IOException;

/** A remote (Hub, chain, dataset server) said no or did not answer. The message carries its address without secrets. */
public class RemoteCallException extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean retryable;

    /**
     * Reports a refused or failed call.
     *
     * @param message which call, to whom, what came back
     * @param retryable whether the same call may succeed later
     */
    public RemoteCallException(String message, boolean retryable) {
        super(message);
        this.retryable = retryable;
    }

    /** As {@link #RemoteCallException(String, boolean)}, with the cause below. */
    public RemoteCallException(String message, boolean retryable, Throwable cause) {
        super(message, cause);
        this.retryable = retryable;
    }

    /** Whether the same call may succeed later. */
    public boolean retryable() {
        return retryable;
    }
}
