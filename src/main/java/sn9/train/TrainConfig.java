package sn9.train;

/**
 * How a model is trained.
 *
 * @param lr peak learning rate
 * @param schedule how it moves
 * @param warmupSteps optimiser steps of linear warm-up, cosine only
 * @param totalSteps optimiser step at which a cosine reaches a tenth of the peak, where it stays
 * @param beta1 AdamW's decay of the first moment
 * @param beta2 of the second
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled decay per unit of learning rate
 * @param decayAll whether biases and layer norms decay too, as in the reference, or matrices only
 * @param gradClip largest global gradient norm, 0 for no clipping
 * @param accumulationSteps micro-batches per optimiser step
 * @param dropout probability, 0 for none
 * @param seed decides the initial parameters and the dropout masks
 */
public record TrainConfig(
        double lr,
        Schedule schedule,
        long warmupSteps,
        long totalSteps,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        boolean decayAll,
        double gradClip,
        int accumulationSteps,
        double dropout,
        long seed) {
    /** How the learning rate moves. */
    public enum Schedule {
        CONSTANT,
        COSINE
    }

    /** Checks the ranges; throws {@link IllegalArgumentException} naming the field. */
    public TrainConfig {
        expect(lr > 0 && lr < 10, "lr", lr, "above 0 and below 10");
        expect(warmupSteps >= 0, "warmup_steps", warmupSteps, "0 or more");
        expect(totalSteps >= 1, "total steps", totalSteps, "1 or more");
        expect(beta1 >= 0 && beta1 < 1, "beta1", beta1, "0 to below 1");
        expect(beta2 >= 0 && beta2 < 1, "beta2", beta2, "0 to below 1");
        expect(epsilon > 0, "epsilon", epsilon, "above 0");
        expect(weightDecay >= 0 && weightDecay * lr < 1, "weight_decay", weightDecay, "0 or more, below 1 / lr");
        expect(gradClip >= 0, "grad_clip", gradClip, "0 or more");
        expect(accumulationSteps >= 1, "accumulation_steps", accumulationSteps, "1 or more");
        expect(dropout >= 0 && dropout < 1, "dropout", dropout, "0 to below 1");
    }

    /** What trains well: cosine with warm-up, decay on matrices, clipping at 1, no dropout. */
    public static TrainConfig defaults() {
        return new TrainConfig(6e-4, Schedule.COSINE, 100, 10_000, 0.9, 0.95, 1e-8, 0.1, false, 1.0, 5, 0, 1);
    }

    /** What the reference miner does (subnet.md B.2): lr 1e-5 constant, decay 0.01 on everything, dropout 0.1. */
    public static TrainConfig reference() {
        return new TrainConfig(1e-5, Schedule.CONSTANT, 0, 1, 0.9, 0.999, 1e-8, 0.01, true, 0, 5, 0.1, 1);
    }

    /** The learning rate of an optimiser step, 1 for the first. */
    public double learningRate(long step) {
        if (schedule == Schedule.CONSTANT) {
            return lr;
        }
        if (step <= warmupSteps) {
            return lr * step / warmupSteps;
        }
        double progress = Math.min(1, (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
        double floor = lr / 10;
        return floor + (lr - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
    }

    private static void expect(boolean holds, String name, Object value, String expected) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is " + value + ", expected " + expected);
        }
    }
}
