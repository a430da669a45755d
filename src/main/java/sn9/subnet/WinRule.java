package sn9.subnet;

/** How a batch's losses decide who wins it. {@link Wins} computes all three. */
public enum WinRule {
    /** A0: a model wins unless another beats it; only the epoch's best so far has its loss reduced. */
    GLOBAL_BEST,
    /** A1: a model wins unless another beats it; of each pair the earlier has its loss reduced. */
    BEATS_ALL,
    /** A2 and B: every pair of models is a match; the earlier has its loss reduced. */
    PAIRWISE
}
