package sn9.chain;

/** An extrinsic did nothing: it failed in its block, or cannot come into one any more. */
final class RefusedException extends ChainException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message, boolean retryable) {
        super(message, retryable);
    }
}
