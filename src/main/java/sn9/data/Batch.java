package sn9.data;

/**
 * A batch of token sequences with the token each position has to predict.
 *
 * @param B number of sequences
 * @param T tokens per sequence
 * @param tokens (B, T), row-major
 * @param targets (B, T); {@link #IGNORED} where there is nothing to predict
 */
public record Batch(int B, int T, int[] tokens, int[] targets) {
    /** The target of a position that predicts nothing and counts for nothing. */
    public static final int IGNORED = -1;

    /** Checks that the arrays hold B*T values; throws {@link IllegalArgumentException}. */
    public Batch {
        if (B < 1 || T < 1 || tokens.length != B * T || targets.length != B * T) {
            throw new IllegalArgumentException("a batch of B = " + B + ", T = " + T + " needs " + (long) B * T
                    + " tokens and targets, got " + tokens.length + " and " + targets.length);
        }
    }

    /**
     * The batch in which each position predicts the next token of its own row; the last position of a row predicts
     * nothing (subnet.md B.3: T - 1 predictions a row).
     */
    public static Batch shifted(int B, int T, int[] tokens) {
        var targets = new int[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            targets[i] = (i + 1) % T == 0 ? IGNORED : tokens[i + 1];
        }
        return new Batch(B, T, tokens, targets);
    }

    /** How many positions predict something. */
    public int predictions() {
        int count = 0;
        for (int b = 0; b < B; b++) {
            count += predictions(b);
        }
        return count;
    }

    /** How many positions of one sequence predict something. */
    public int predictions(int b) {
        int count = 0;
        for (int t = 0; t < T; t++) {
            count += targets[b * T + t] >= 0 ? 1 : 0;
        }
        return count;
    }

    /** The sum of losses over all predictions, from the mean of each sequence. */
    public double lossSum(double[] sequenceMeans) {
        double sum = 0;
        for (int b = 0; b < B; b++) {
            sum += sequenceMeans[b] * predictions(b);
        }
        return sum;
    }
}
