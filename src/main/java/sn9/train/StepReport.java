package sn9.train;

/**
 * What one optimiser step did.
 *
 * @param step its number, 1 for the first
 * @param loss mean nats per prediction over the step's micro-batches, dropout included
 * @param gradNorm global norm before clipping; NaN when a gradient was not finite and the step changed nothing
 * @param lr learning rate of this step
 * @param tokens tokens the step saw
 * @param seconds its wall time
 */
public record StepReport(long step, double loss, double gradNorm, double lr, long tokens, double seconds) {
    /** Tokens seen per second. */
    public double tokensPerSecond() {
        return tokens / seconds;
    }
}
