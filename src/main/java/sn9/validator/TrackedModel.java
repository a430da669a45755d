package sn9.validator;

import java.util.Optional;
import sn9.subnet.Commitment;

/**
 * What the validator knows of the model a hotkey has committed.
 *
 * @param hotkey who committed it
 * @param commitment the string on chain and its block, as last read
 * @param rejection why the model is not evaluated; empty when it is accepted
 * @param pending whether the model waits for its first evaluation
 */
public record TrackedModel(String hotkey, Commitment commitment, Optional<String> rejection, boolean pending) {
    /** A model that passed every rule and waits for its first evaluation. */
    public static TrackedModel accepted(String hotkey, Commitment commitment) {
        return new TrackedModel(hotkey, commitment, Optional.empty(), true);
    }

    /** A model that is not evaluated, and why. */
    public static TrackedModel rejected(String hotkey, Commitment commitment, String reason) {
        return new TrackedModel(hotkey, commitment, Optional.of(reason), false);
    }

    /** Whether the model may be evaluated. */
    public boolean accepted() {
        return rejection.isEmpty();
    }
}
