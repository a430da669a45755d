package sn9.chain;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import sn9.RemoteCallException;
import sn9.subnet.Commitment;
import sn9.subnet.Metagraph;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.SubnetChain;
import sn9.wallet.Ss58;

/** A subnet as anybody sees it, without a key: nothing can be committed or set. */
public final class SubnetReader implements SubnetChain, ModelMetadataStore {
    private final ChainClient chain;
    private final int netuid;

    /**
     * What stands on a subnet at one block.
     *
     * @param metagraph who is registered
     * @param commitments by hotkey
     */
    public record Snapshot(Metagraph metagraph, Map<String, Commitment> commitments) {}

    /**
     * Connects on the first call.
     *
     * @param endpoints addresses of WebSockets of the chain, tried in order
     * @param genesis the hash of the chain's first block, when it must be a particular one
     */
    public SubnetReader(List<String> endpoints, Optional<String> genesis, int netuid, RpcSettings settings) {
        this.chain = new ChainClient(endpoints, genesis, settings);
        this.netuid = netuid;
    }

    /** Metagraph and commitments of the latest block. */
    public Snapshot snapshot() throws RemoteCallException, InterruptedException {
        var view = chain.head();
        return new Snapshot(Metagraphs.read(view, netuid), CommitmentStore.committed(view, netuid));
    }

    /** The weights that stand: u16 values by uid, of each validator's uid. */
    public Map<Integer, Map<Integer, Integer>> weights() throws RemoteCallException, InterruptedException {
        return Weights.standing(chain.head(), netuid);
    }

    @Override
    public long block() throws RemoteCallException, InterruptedException {
        return chain.head().number();
    }

    @Override
    public String periodHash(int period) throws RemoteCallException, InterruptedException {
        return chain.periodHash(period);
    }

    @Override
    public Metagraph metagraph() throws RemoteCallException, InterruptedException {
        return Metagraphs.read(chain.head(), netuid);
    }

    @Override
    public Map<String, Commitment> commitments() throws RemoteCallException, InterruptedException {
        return CommitmentStore.committed(chain.head(), netuid);
    }

    @Override
    public Optional<Commitment> commitment(String hotkey) throws RemoteCallException, InterruptedException {
        return CommitmentStore.committed(chain.head(), netuid, Ss58.decode(hotkey));
    }

    @Override
    public Commitment commit(String text) throws RemoteCallException {
        throw keyless();
    }

    @Override
    public long setWeights(int[] uids, int[] weights, long versionKey) throws RemoteCallException {
        throw keyless();
    }

    @Override
    public void close() {
        chain.close();
    }

    private static ChainException keyless() {
        return new ChainException("this takes a hotkey, and none was given", false);
    }
}
