package sn9.miner;

import sn9.tensor.ElementType;

/**
 * How a miner goes over its text and when it measures and saves. What happens inside a step is the trainer's.
 *
 * @param B sequences of a micro-batch
 * @param T tokens of a sequence
 * @param seed decides which pages each epoch draws
 * @param pagesPerEpoch pages drawn for an epoch
 * @param numEpochs epochs after which training ends, -1 for no end
 * @param maxSteps optimiser steps after which training ends, -1 for no end
 * @param heldOutPages pages of the held-out split on which models are compared
 * @param evalSteps optimiser steps between two measurements on held-out pages; 0 to measure after each epoch
 * @param checkpointSteps optimiser steps between two checkpoints
 * @param saveType element type of the saved model, F32 or BF16
 */
public record MinerConfig(
        int B,
        int T,
        long seed,
        int pagesPerEpoch,
        long numEpochs,
        long maxSteps,
        int heldOutPages,
        long evalSteps,
        long checkpointSteps,
        ElementType saveType) {
    /** Checks the ranges; throws {@link IllegalArgumentException} that names the field as its flag is called. */
    public MinerConfig {
        atLeast("--bs", B, 1);
        atLeast("--sl", T, 2);
        atLeast("--pages_per_epoch", pagesPerEpoch, 1);
        atLeast("--num_epochs", numEpochs, -1);
        atLeast("--max_steps", maxSteps, -1);
        atLeast("--held_out_pages", heldOutPages, 1);
        atLeast("--eval_steps", evalSteps, 0);
        atLeast("--checkpoint_steps", checkpointSteps, 1);
        if (saveType != ElementType.F32 && saveType != ElementType.BF16) {
            throw new IllegalArgumentException("--save_dtype is " + saveType + ", expected f32 or bf16");
        }
    }

    private static void atLeast(String flag, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(flag + " is " + value + ", expected " + least + " or more");
        }
    }
}
