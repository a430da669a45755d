package sn9.subnet;

import sn9.RemoteCallException;

/** The chain, as far as a neuron needs it: time, who is registered, and where a validator's weights go. */
public interface SubnetChain extends AutoCloseable {
    /** The number of the latest block. */
    long block() throws RemoteCallException, InterruptedException;

    /**
     * The hash of the latest block whose number is a multiple of {@code period}: something that all validators know and
     * nobody could foretell.
     *
     * @return {@code 0x} and 64 hexadecimal digits
     */
    String periodHash(int period) throws RemoteCallException, InterruptedException;

    /** The metagraph of this chain's subnet at the latest block. */
    Metagraph metagraph() throws RemoteCallException, InterruptedException;

    /**
     * Sets this neuron's weights and returns once they are read back from the chain.
     *
     * @param uids slots, distinct
     * @param weights u16 values of those slots, the largest 65,535 (see {@link WeightVector})
     * @param versionKey the rule set's version key
     * @return the block that holds them
     * @throws RemoteCallException when the chain refused: not registered, no permit, too soon
     */
    long setWeights(int[] uids, int[] weights, long versionKey) throws RemoteCallException, InterruptedException;

    @Override
    void close() throws RemoteCallException;
}
