package sn9.subnet;

/**
 * The best model so far of rule A0, carried from epoch to epoch (spec A.6). Its loss is the one it became best with.
 *
 * @param uid the model, or {@link Wins#NO_BEST}
 * @param loss its mean loss then; infinite at the start
 */
public record GlobalBest(int uid, double loss) {
    /** Nobody yet. */
    public static final GlobalBest NONE = new GlobalBest(Wins.NO_BEST, Double.POSITIVE_INFINITY);

    /**
     * The best after an epoch: in the given order, each model whose mean loss is lower by more than the margin takes
     * over.
     *
     * @param uids models in ascending order
     * @param meanLosses their mean losses over the epoch
     * @param margin {@link RuleSet.Scoring#bestEpsilon}
     */
    public GlobalBest after(int[] uids, double[] meanLosses, double margin) {
        GlobalBest best = this;
        for (int i = 0; i < uids.length; i++) {
            if (meanLosses[i] < best.loss * (1 - margin)) {
                best = new GlobalBest(uids[i], meanLosses[i]);
            }
        }
        return best;
    }
}
