package sn9.chain;

/**
 * Epochs of a subnet (opentensor/subtensor:pallets/subtensor/src/subnets/weights.rs, {@code get_epoch_index}): they are
 * {@code tempo + 1} blocks long and begin {@code netuid + 1} blocks early.
 *
 * @param netuid the subnet
 * @param tempo its setting
 */
record Epoch(int netuid, long tempo) {
    /** The number of the epoch that a block lies in. */
    long of(long block) {
        return (block + netuid + 1) / (tempo + 1);
    }

    /** The first block of an epoch. */
    long first(long epoch) {
        return epoch * (tempo + 1) - netuid - 1;
    }

    /** Blocks from this one to the first of the next epoch. */
    long blocksToNext(long block) {
        return tempo + 1 - (block + netuid + 1) % (tempo + 1);
    }
}
