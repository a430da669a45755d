package sn9.subnet;

/** How the wins of a step become weights. {@link Scores} computes all three. */
public enum WeightRule {
    /** A0: (wins + 1) / sum of wins. */
    PLUS_ONE,
    /** A1: (wins + 0.05) / (sum of wins + 0.05 n). */
    PLUS_SHARE,
    /** A2 and B: softmax of win rate over temperature. */
    SOFTMAX
}
