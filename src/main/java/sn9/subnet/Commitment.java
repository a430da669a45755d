package sn9.subnet;

/**
 * What a hotkey has committed to the chain, not yet understood.
 *
 * @param text the committed string, as it stands on chain
 * @param block the block of the commitment
 */
public record Commitment(String text, long block) {}
