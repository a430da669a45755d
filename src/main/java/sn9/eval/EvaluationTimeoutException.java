package sn9.eval;

import java.time.Duration;

/** Evaluating a model took longer than it may. */
public final class EvaluationTimeoutException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Reports how far the evaluation came. */
    public EvaluationTimeoutException(Duration limit, int done, int batches) {
        super("the evaluation took longer than " + limit.toMillis() / 1000.0 + " s: " + done + " of " + batches
                + " batches done");
    }
}
