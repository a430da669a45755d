package sn9.engine;

/** The device or a native library failed: our fault, not a caller's and not a model's. The command line exits with 3. */
public final class EngineException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Reports a failure; the message names the operation, the sizes and what the library said. */
    public EngineException(String message) {
        super(message);
    }

    /** As {@link #EngineException(String)}, with the cause below. */
    public EngineException(String message, Throwable cause) {
        super(message, cause);
    }
}
