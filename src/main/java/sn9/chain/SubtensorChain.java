package sn9.chain;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.RemoteCallException;
import sn9.subnet.Metagraph;
import sn9.subnet.SubnetChain;
import sn9.wallet.Keypair;

/**
 * A subnet on a Subtensor chain, as one of its hotkeys. While it is open, committed weights are revealed when their time has
 * come.
 */
public final class SubtensorChain implements SubnetChain {
    private static final Logger LOG = LoggerFactory.getLogger(SubtensorChain.class);

    /** The longest time of a commitment, and of one try to set weights: ten blocks. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** Time between two looks for weights that are to be revealed; their time is an epoch, of an hour or so. */
    private static final Duration REVEAL_POLL = Duration.ofSeconds(30);

    private final ChainClient chain;
    private final int netuid;
    private final CommitmentStore commitments;
    private final Weights weights;
    private final Thread revealing;

    private SubtensorChain(ChainClient chain, int netuid, CommitmentStore commitments, Weights weights) {
        this.chain = chain;
        this.netuid = netuid;
        this.commitments = commitments;
        this.weights = weights;
        this.revealing = Thread.ofVirtual().name("reveal-weights").unstarted(this::reveal);
    }

    /**
     * Connects to a subnet.
     *
     * @param endpoints addresses of WebSockets of the chain, tried in order
     * @param genesis the hash of the chain's first block, when it must be a particular one
     * @param hotkey signs commitments and weights; the caller closes it afterwards
     * @param folder where what is under way is kept, by chain, subnet and hotkey
     * @throws ChainException when no endpoint can be reached
     */
    public static SubtensorChain open(
            List<String> endpoints,
            Optional<String> genesis,
            int netuid,
            Keypair hotkey,
            Path folder,
            RpcSettings settings)
            throws RemoteCallException, InterruptedException {
        var chain = new ChainClient(endpoints, genesis, settings);
        try {
            String found = chain.genesisHash();
            Path state = folder.resolve("chain-" + found.substring(2, 10)).resolve(netuid + "-" + hotkey.address());
            var commitments = new CommitmentStore(
                    chain, netuid, hotkey, new CommitJournal(state.resolve("commit.json")), PATIENCE);
            var weights = new Weights(
                    () -> new ChainClient(endpoints, Optional.of(found), settings),
                    netuid,
                    hotkey,
                    new RevealJournal(state.resolve("reveals.json")),
                    PATIENCE);
            var subnet = new SubtensorChain(chain, netuid, commitments, weights);
            subnet.revealing.start();
            return subnet;
        } catch (RemoteCallException | InterruptedException e) {
            chain.close();
            throw e;
        }
    }

    /** The commitments of this subnet's hotkeys. */
    public CommitmentStore commitments() {
        return commitments;
    }

    /** The chain below. */
    public ChainClient client() {
        return chain;
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
    public long setWeights(int[] uids, int[] values, long versionKey) throws RemoteCallException, InterruptedException {
        return weights.set(uids, values, versionKey);
    }

    @Override
    public void close() {
        revealing.interrupt();
        chain.close();
    }

    /** Looks after committed weights until interrupted. */
    private void reveal() {
        try {
            while (true) {
                try {
                    int waiting = weights.revealDue();
                    LOG.debug("event=reveals waiting={}", waiting);
                } catch (RemoteCallException e) {
                    LOG.warn("event=reveal_failed retryable={} reason=\"{}\"", e.retryable(), e.getMessage());
                }
                Thread.sleep(REVEAL_POLL);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // closed
        }
    }
}
