package sn9.miner;

/** The training loss is no longer a number: going on would train nothing. The best model so far is kept. */
public final class TrainingDivergedException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Reports where it happened and what to change. */
    public TrainingDivergedException(String message) {
        super(message);
    }
}
