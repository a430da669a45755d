package sn9.subnet;

import java.util.Map;
import java.util.Optional;
import sn9.RemoteCallException;

/** Who committed which model at which block. */
public interface ModelMetadataStore {
    /** Every commitment of the subnet, by hotkey, in one request. */
    Map<String, Commitment> commitments() throws RemoteCallException, InterruptedException;

    /** The commitment of one hotkey, if it has made one. */
    Optional<Commitment> commitment(String hotkey) throws RemoteCallException, InterruptedException;

    /**
     * Commits a string under this neuron's hotkey and returns once it is read back from the chain.
     *
     * @return the commitment with the block that holds it
     * @throws CommitTooSoonException when the chain's rate limit still runs
     * @throws RemoteCallException when the chain refused or did not answer
     */
    Commitment commit(String text) throws RemoteCallException, InterruptedException;
}
