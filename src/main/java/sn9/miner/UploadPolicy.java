package sn9.miner;

/** When a miner publishes by itself. */
public enum UploadPolicy {
    /** Not at all. */
    NEVER,
    /** Whenever a new best model qualifies ({@link UploadDecision}), and when training ends or is stopped. */
    BEST,
    /** Not by itself; at the end it says how to publish the best model with {@code upload}. */
    MANUAL
}
