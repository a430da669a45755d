package sn9.cli;

import java.io.IOException;
import sn9.RemoteCallException;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.SubnetChain;

/** The chain of a {@link Network}, as one neuron. */
interface ChainSide extends AutoCloseable {
    /** Block, metagraph and weights. */
    SubnetChain chain();

    /** Commitments; those made here are this neuron's. */
    ModelMetadataStore metadata();

    /** SS58 address of this neuron's hotkey. */
    String hotkey();

    /** Whether it is the chain of a local network, which is there to rehearse on. */
    boolean isLocal() throws RemoteCallException, InterruptedException;

    /** As {@link Network#ensureRegistered}. */
    void ensureRegistered(double localStake) throws RemoteCallException, InterruptedException;

    @Override
    void close() throws IOException;
}
