package sn9.chain;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
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

    /** Shortest and longest time between two looks for weights that are to be revealed. */
    private static final Duration SHORT_PAUSE = Duration.ofSeconds(1);

    private static final Duration LONG_PAUSE = Duration.ofSeconds(30);

    private final ChainClient chain;
    private final int netuid;
    private final CommitmentStore commitments;
    private final Weights weights;
    private final Thread revealing;
    private final Semaphore committed = new Semaphore(0);

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
        long block = weights.set(uids, values, versionKey);
        committed.release();
        return block;
    }

    @Override
    public void close() {
        revealing.interrupt();
        try {
            if (weights.waiting() > 0) {
                LOG.warn(
                        "event=reveals_wait count={} reason=\"weights of a subnet with commit-reveal count once they are"
                                + " revealed, and only a running validator does that\"",
                        weights.waiting());
            }
        } catch (IOException e) {
            LOG.warn("event=reveals_unknown reason=\"{}\"", e.getMessage());
        }
        chain.close();
    }

    /** Half the time that so many blocks take at the pace of the latest, so that no epoch is slept through. */
    private Duration pause(long blocks) throws RemoteCallException, InterruptedException {
        var half = chain.head().blockTime().multipliedBy(blocks).dividedBy(2);
        return half.compareTo(SHORT_PAUSE) < 0 ? SHORT_PAUSE : half.compareTo(LONG_PAUSE) > 0 ? LONG_PAUSE : half;
    }

    /** Looks after committed weights until interrupted. */
    private void reveal() {
        try {
            while (true) {
                var pause = LONG_PAUSE;
                try {
                    var left = weights.revealDue();
                    if (left.isPresent()) {
                        pause = pause(left.getAsLong());
                    }
                    LOG.debug("event=reveals blocks_left={} pause_seconds={}", left, pause.toSeconds());
                } catch (RemoteCallException e) {
                    LOG.warn("event=reveal_failed retryable={} reason=\"{}\"", e.retryable(), e.getMessage());
                }
                if (committed.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                    committed.drainPermits();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // closed
        }
    }
}
