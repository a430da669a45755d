package sn9.validator;

import java.time.Instant;
import java.util.OptionalLong;

/**
 * One try to set weights on chain, and how it ended.
 *
 * @param at wall clock of the outcome
 * @param step steps finished before it
 * @param block the chain's block when it was tried
 * @param uids slots, distinct
 * @param weights u16 values of those slots
 * @param includedIn the block in which the weights were read back; empty when the chain refused or did not answer
 * @param outcome what happened, for a person
 */
public record WeightSubmission(
        Instant at, long step, long block, int[] uids, int[] weights, OptionalLong includedIn, String outcome) {}
