/**
 * The miner: where a model starts, the loop over pages of text, and publication. Speaks to the Hub and the chain only
 * through the ports of {@code subnet}; may import {@code train}, {@code eval}, {@code data}, {@code checkpoint},
 * {@code model}, {@code engine}, {@code subnet}, {@code metrics} and {@code files}. Read {@link sn9.miner.Miner} first.
 */
package sn9.miner;
