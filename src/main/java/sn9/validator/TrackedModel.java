package sn9.validator;

import sn9.subnet.Commitment;

/**
 * What the validator knows of the model a hotkey has committed.
 *
 * @param hotkey who committed it
 * @param commitment the string on chain and its block, as last read
 * @param standing what follows from the rules
 * @param reason why it is not {@link Standing#ACCEPTED}; empty when it is
 * @param pending whether it waits for its first evaluation
 */
public record TrackedModel(String hotkey, Commitment commitment, Standing standing, String reason, boolean pending) {
    /** What the rules say about a model. */
    public enum Standing {
        /** Keeps every rule; it is evaluated. */
        ACCEPTED,
        /**
         * The reference would find out while evaluating (too few positions, a small vocabulary, parameters that are not
         * finite): it takes part in a step with infinite losses, without coming near the device.
         */
        UNFIT,
        /** The reference would not take it in at all: it takes part in no step. */
        REJECTED
    }

    /** A model that keeps every rule and waits for its first evaluation. */
    public static TrackedModel accepted(String hotkey, Commitment commitment) {
        return new TrackedModel(hotkey, commitment, Standing.ACCEPTED, "", true);
    }

    /** A model whose losses are infinite, and why. */
    public static TrackedModel unfit(String hotkey, Commitment commitment, String reason) {
        return new TrackedModel(hotkey, commitment, Standing.UNFIT, reason, true);
    }

    /** A model that takes part in no step, and why. */
    public static TrackedModel rejected(String hotkey, Commitment commitment, String reason) {
        return new TrackedModel(hotkey, commitment, Standing.REJECTED, reason, false);
    }

    /** Takes control characters out of the reason: part of it may be anybody's text, and it is shown on terminals. */
    public TrackedModel {
        reason = printable(reason);
    }

    /** Whether it takes part in steps. */
    public boolean takesPart() {
        return standing != Standing.REJECTED;
    }

    /** Foreign text for a log or a table: one line without control characters, at most 500 characters. */
    static String printable(String text) {
        String plain = text.replaceAll("[\\p{Cc}\\p{Cf}]", "?");
        return plain.length() > 500 ? plain.substring(0, 500) + "..." : plain;
    }
}
