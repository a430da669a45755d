package sn9.localnet.chain;

import java.time.Duration;

/**
 * What a local chain is created with and keeps from then on.
 *
 * @param netuid the subnet it serves
 * @param blockTime time from block to block, whole milliseconds, at least one
 * @param tempo blocks between epochs, in which weights become incentive
 * @param commitInterval blocks a hotkey waits between commitments
 * @param weightsInterval blocks a validator waits between weights; 0 sets no limit
 * @param maxUids slots of the subnet
 */
public record LocalChainParameters(
        int netuid, Duration blockTime, long tempo, long commitInterval, long weightsInterval, int maxUids) {
    /** Checks the ranges. */
    public LocalChainParameters {
        if (blockTime.toMillis() < 1) {
            throw new IllegalArgumentException("block time is " + blockTime + ", expected at least a millisecond");
        }
        if (netuid < 0 || tempo < 1 || commitInterval < 0 || weightsInterval < 0 || maxUids < 1 || maxUids > 65_536) {
            throw new IllegalArgumentException("chain parameters out of range: netuid " + netuid + " and intervals "
                    + commitInterval + ", " + weightsInterval + " must be 0 or more, tempo " + tempo
                    + " 1 or more, slots " + maxUids + " from 1 to 65536");
        }
    }

    /** Subnet 9 as it was in generation B: 12 s blocks, 100 blocks between commitments; weights at any time. */
    public static LocalChainParameters defaults() {
        return new LocalChainParameters(9, Duration.ofSeconds(12), 360, 100, 0, 256);
    }

    /** These parameters with another block time. */
    public LocalChainParameters withBlockTime(Duration time) {
        return new LocalChainParameters(netuid, time, tempo, commitInterval, weightsInterval, maxUids);
    }

    /** These parameters with another tempo. */
    public LocalChainParameters withTempo(long blocks) {
        return new LocalChainParameters(netuid, blockTime, blocks, commitInterval, weightsInterval, maxUids);
    }

    /** These parameters with another wait between commitments. */
    public LocalChainParameters withCommitInterval(long blocks) {
        return new LocalChainParameters(netuid, blockTime, tempo, blocks, weightsInterval, maxUids);
    }

    /** These parameters with another wait between weights. */
    public LocalChainParameters withWeightsInterval(long blocks) {
        return new LocalChainParameters(netuid, blockTime, tempo, commitInterval, blocks, maxUids);
    }
}
