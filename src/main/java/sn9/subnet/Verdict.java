package sn9.subnet;

import java.util.List;

/** Whether a model keeps to the rules. A rejection costs its miner the score, never the step. */
public sealed interface Verdict {
    /** The model may be evaluated. */
    record Accepted() implements Verdict {}

    /**
     * The model breaks a rule.
     *
     * @param reason every rule broken, with what was expected and found
     */
    record Rejected(String reason) implements Verdict {}

    /** Accepted when nothing was violated, else rejected for all the reasons. */
    static Verdict of(List<String> violations) {
        return violations.isEmpty() ? new Accepted() : new Rejected(String.join("; ", violations));
    }
}
