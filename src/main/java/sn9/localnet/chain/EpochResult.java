package sn9.localnet.chain;

import java.util.SortedMap;

/**
 * What an epoch made of the weights. Epochs in a row between which nothing was written give the same result and are kept
 * as one.
 *
 * @param firstBlock block of the first of them
 * @param lastBlock block of the last of them
 * @param incentives share by uid, of sum 1; empty when no validator had weights
 */
public record EpochResult(long firstBlock, long lastBlock, SortedMap<Integer, Double> incentives) {}
