package sn9.eval;

/** A model takes longer than it may: its fault, not the device's. */
public final class EvaluationTimeoutException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Reports how far the evaluation came. */
    public EvaluationTimeoutException(String message) {
        super(message);
    }
}
