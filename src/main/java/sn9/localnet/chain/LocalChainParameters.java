package sn9.localnet.chain;

import java.time.Duration;

/**
 * What a local chain is created with and keeps from then on.
 *
 * @param netuid the subnet it serves
 * @param blockTime time from block to block, whole milliseconds, at least one
 * @param tempo blocks between epochs, in which weights become incentive
 * @param weightsInterval blocks a validator waits between weights; 0 sets no limit
 * @param maxUids slots of the subnet
 * @param commitReveal whether weights are committed by their hash first, and revealed an epoch later
 */
public record LocalChainParameters(
        int netuid, Duration blockTime, long tempo, long weightsInterval, int maxUids, boolean commitReveal) {
    /** Checks the ranges. */
    public LocalChainParameters {
        if (blockTime.toMillis() < 1) {
            throw new IllegalArgumentException("block time is " + blockTime + ", expected at least a millisecond");
        }
        if (netuid < 0 || tempo < 1 || weightsInterval < 0 || maxUids < 1 || maxUids > 65_536) {
            throw new IllegalArgumentException("chain parameters out of range: netuid " + netuid + " and the wait "
                    + weightsInterval + " must be 0 or more, tempo " + tempo
                    + " 1 or more, slots " + maxUids + " from 1 to 65536");
        }
    }

    /** Subnet 9 as it was in generation B: 12 s blocks, weights at any time and for all to see. */
    public static LocalChainParameters defaults() {
        return new LocalChainParameters(9, Duration.ofSeconds(12), 360, 0, 256, false);
    }

    /** These parameters for another subnet. */
    public LocalChainParameters withNetuid(int other) {
        return new LocalChainParameters(other, blockTime, tempo, weightsInterval, maxUids, commitReveal);
    }

    /** These parameters with another block time. */
    public LocalChainParameters withBlockTime(Duration time) {
        return new LocalChainParameters(netuid, time, tempo, weightsInterval, maxUids, commitReveal);
    }

    /** These parameters with another tempo. */
    public LocalChainParameters withTempo(long blocks) {
        return new LocalChainParameters(netuid, blockTime, blocks, weightsInterval, maxUids, commitReveal);
    }

    /** These parameters with another wait between weights. */
    public LocalChainParameters withWeightsInterval(long blocks) {
        return new LocalChainParameters(netuid, blockTime, tempo, blocks, maxUids, commitReveal);
    }
}
