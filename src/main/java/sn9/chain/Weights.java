package sn9.chain;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;
import sn9.wallet.Keypair;

/**
 * Sets a validator's weights: at once, or committed by hash and revealed later, as the subnet demands. Each try has a
 * connection of its own, and has succeeded only when the chain, asked again, holds the weights (spec/subnet.md D.13).
 */
final class Weights {
    private static final Logger LOG = LoggerFactory.getLogger(Weights.class);

    private static final String PALLET = "SubtensorModule";
    private static final int ERA_BLOCKS = 16;

    /** The chain keeps no more unrevealed commits of a hotkey. */
    private static final int MAX_COMMITS = 10;

    private final Supplier<ChainClient> connections;
    private final int netuid;
    private final Keypair hotkey;
    private final RevealJournal journal;
    private final Duration patience;

    /**
     * Weights of a hotkey on a subnet.
     *
     * @param connections makes a client of its own for each try
     * @param journal committed weights that wait to be revealed: of this chain, subnet and hotkey
     * @param patience the longest time of one try, and of revealing what is due, everything included
     */
    Weights(Supplier<ChainClient> connections, int netuid, Keypair hotkey, RevealJournal journal, Duration patience) {
        this.connections = connections;
        this.netuid = netuid;
        this.hotkey = hotkey;
        this.journal = journal;
        this.patience = patience;
    }

    /**
     * Sets weights.
     *
     * @return the block that holds them, or the commit to them
     * @throws ChainException when the chain refused, or the rate limit still runs: not retryable then, blocks named
     */
    long set(int[] uids, int[] values, long versionKey) throws RemoteCallException, InterruptedException {
        var limit = Deadline.in(patience);
        try (var chain = connections.get().until(limit)) {
            var view = chain.head();
            int uid = uid(view);
            checkRateLimit(view, uid);
            return isHidden(view)
                    ? commit(chain, limit, view, uids, values, versionKey)
                    : setOpenly(chain, uid, uids, values, versionKey);
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood("weights", e);
        }
    }

    /**
     * Reveals committed weights whose time has come, and forgets those whose time is over.
     *
     * @return how many still wait
     */
    int revealDue() throws RemoteCallException, InterruptedException {
        try {
            if (journal.read().isEmpty()) {
                return 0;
            }
            var limit = Deadline.in(patience);
            try (var _ = journal.lock(limit);
                    var chain = connections.get().until(limit)) {
                var waiting = new ArrayList<>(journal.read());
                for (var commit : List.copyOf(waiting)) {
                    if (isDone(chain, commit)) {
                        waiting.remove(commit);
                        journal.write(waiting);
                    }
                }
                return waiting.size();
            }
        } catch (RemoteCallException e) {
            throw e;
        } catch (IOException e) {
            throw kept(e);
        }
    }

    private long setOpenly(ChainClient chain, int uid, int[] uids, int[] values, long versionKey)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        long block = submit(
                chain,
                "set_weights",
                Value.struct(
                        "netuid", Value.of(netuid),
                        "dests", Value.numbers(uids),
                        "weights", Value.numbers(values),
                        "version_key", Value.ofUnsigned(versionKey)));
        readBack(chain.head(), uid, uids, values);
        return block;
    }

    private void readBack(ChainView view, int uid, int[] uids, int[] values)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var expected = new ArrayList<Value>();
        for (int i = 0; i < uids.length; i++) {
            expected.add(Value.items(Value.of(uids[i]), Value.of(values[i])));
        }
        var found = view.storage(PALLET, "Weights", Value.of(netuid), Value.of(uid))
                .map(Value::toString)
                .orElse("none");
        if (!found.equals(new Value.Items(expected).toString())) {
            throw new ChainException(
                    "weights were included, but uid " + uid + " has others at block " + view.number()
                            + "; set them again",
                    true);
        }
    }

    private long commit(ChainClient chain, Deadline limit, ChainView view, int[] uids, int[] values, long versionKey)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        requireHashForm(view);
        try (var _ = journal.lock(limit)) {
            var waiting = new ArrayList<>(journal.read());
            if (waiting.size() >= MAX_COMMITS) {
                throw new ChainException(
                        waiting.size() + " committed weights wait to be revealed, the chain takes no more", false);
            }
            long death = view.number() + 2 * ERA_BLOCKS;
            var commit = new WeightCommit(uids, values, WeightCommit.newSalt(), versionKey, death);
            waiting.add(commit);
            journal.write(waiting);
            byte[] hash = commit.hash(hotkey.publicKey(), netuid);
            long block;
            try {
                block = submit(
                        chain,
                        "commit_weights",
                        Value.struct("netuid", Value.of(netuid), "commit_hash", Value.of(hash)));
            } catch (RefusedException e) {
                waiting.remove(commit);
                journal.write(waiting);
                throw e;
            }
            if (committedAt(chain.head(), hash).isEmpty()) {
                throw new ChainException("weights were committed, but the chain does not hold the commit", true);
            }
            LOG.info(
                    "event=weights_committed form=hash block={} hash={} to_reveal={}",
                    block,
                    Hex.of(hash),
                    waiting.size());
            return block;
        } catch (RemoteCallException e) {
            throw e;
        } catch (IOException e) {
            throw kept(e);
        }
    }

    /**
     * Of the two forms of hidden weights, the hash needs nothing but this runtime's calls; whichever CommitRevealWeightsVersion
     * a runtime has, it is about the timelocked form alone (opentensor/subtensor:pallets/subtensor/src/subnets/weights.rs).
     */
    private void requireHashForm(ChainView view) throws RemoteCallException, InterruptedException {
        boolean takesHashes = view.hasCall(PALLET, "commit_weights")
                && view.hasCall(PALLET, "reveal_weights")
                && view.has(PALLET, "WeightCommits");
        if (takesHashes) {
            return;
        }
        String form = view.has(PALLET, "CommitRevealWeightsVersion")
                ? ", form " + view.number(PALLET, "CommitRevealWeightsVersion")
                : "";
        throw new ChainException(
                "subnet " + netuid + " hides weights (commit-reveal), and runtime version "
                        + view.runtime().specVersion() + " takes them timelocked only (commit_timelocked_weights" + form
                        + "), which sn9 cannot make. Ask the subnet's owner to switch commit-reveal off, or set the"
                        + " weights with btcli",
                false);
    }

    /** Reveals one commit if its time has come; whether it needs no more care. */
    private boolean isDone(ChainClient chain, WeightCommit commit)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var view = chain.head();
        byte[] hash = commit.hash(hotkey.publicKey(), netuid);
        var committed = committedAt(view, hash);
        if (committed.isEmpty()) {
            boolean lost = chain.finalizedHead().number() >= commit.death();
            if (lost) {
                LOG.info("event=weights_forgotten hash={} reason=\"the chain does not hold the commit\"", Hex.of(hash));
            }
            return lost;
        }
        var epoch = new Epoch(netuid, view.number(PALLET, "Tempo", Value.of(netuid)));
        long due = epoch.of(committed.get()) + view.number(PALLET, "RevealPeriodEpochs", Value.of(netuid));
        long now = epoch.of(view.number() + 1);
        if (now < due) {
            LOG.debug("event=reveal_waits hash={} epoch={} due={}", Hex.of(hash), now, due);
            return false;
        }
        if (now > due) {
            LOG.warn("event=reveal_missed hash={} epoch={} due={}", Hex.of(hash), now, due);
            return true;
        }
        long block = submit(
                chain,
                "reveal_weights",
                Value.struct(
                        "netuid", Value.of(netuid),
                        "uids", Value.numbers(commit.uids()),
                        "values", Value.numbers(commit.values()),
                        "salt", Value.numbers(commit.salt()),
                        "version_key", Value.ofUnsigned(commit.versionKey())));
        readBack(chain.head(), uid(chain.head()), commit.uids(), commit.values());
        LOG.info("event=weights_revealed block={} hash={}", block, Hex.of(hash));
        return true;
    }

    /** The weights that stand on a subnet at a block: u16 values by uid, of each validator's uid. */
    static Map<Integer, Map<Integer, Integer>> standing(ChainView view, int netuid)
            throws RemoteCallException, InterruptedException {
        var weights = new TreeMap<Integer, Map<Integer, Integer>>();
        try {
            for (var entry : view.entries(PALLET, "Weights", Value.of(netuid)).entrySet()) {
                var values = new TreeMap<Integer, Integer>();
                for (Value pair : entry.getValue().items()) {
                    values.put((int) pair.at(0).natural(), (int) pair.at(1).natural());
                }
                weights.put((int) entry.getKey().getFirst().natural(), values);
            }
            return weights;
        } catch (MalformedDataException e) {
            throw view.misunderstood("SubtensorModule.Weights", e);
        }
    }

    /** The block in which a hash was committed, if the chain holds it. */
    private Optional<Long> committedAt(ChainView view, byte[] hash)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        var commits = view.storage(PALLET, "WeightCommits", Value.of(netuid), Value.of(hotkey.publicKey()));
        if (commits.isPresent()) {
            for (Value commit : commits.get().items()) {
                if (commit.at(0).equals(Value.of(hash))) {
                    return Optional.of(commit.at(1).natural());
                }
            }
        }
        return Optional.empty();
    }

    private long submit(ChainClient chain, String call, Value arguments)
            throws RemoteCallException, InterruptedException {
        var extrinsics = new Extrinsics(chain, patience);
        var signed = extrinsics.sign(hotkey, PALLET, call, arguments, ERA_BLOCKS);
        return extrinsics.submit(signed, false).included(call).block();
    }

    private int uid(ChainView view) throws RemoteCallException, InterruptedException, MalformedDataException {
        var uid = view.storage(PALLET, "Uids", Value.of(netuid), Value.of(hotkey.publicKey()));
        if (uid.isEmpty()) {
            throw new ChainException("hotkey " + hotkey.address() + " is not registered on subnet " + netuid, false);
        }
        return (int) uid.get().natural();
    }

    private boolean isHidden(ChainView view) throws RemoteCallException, InterruptedException, MalformedDataException {
        var enabled = view.storage(PALLET, "CommitRevealWeightsEnabled", Value.of(netuid));
        return enabled.isPresent() && enabled.get().truth();
    }

    private void checkRateLimit(ChainView view, int uid)
            throws RemoteCallException, InterruptedException, MalformedDataException {
        long limit = view.number(PALLET, "WeightsSetRateLimit", Value.of(netuid));
        var updates = view.storage(PALLET, "LastUpdate", Value.of(netuid))
                .orElse(new Value.Items(List.of()))
                .items();
        long last = uid < updates.size() ? updates.get(uid).natural() : 0;
        long since = Math.max(0, view.number() - last);
        long wait = last == 0 ? 0 : last + limit - (view.number() + 1);
        LOG.info("event=weights_limit last_update={} blocks_since={} limit={}", last, since, limit);
        if (wait > 0) {
            throw new ChainException(
                    "weights were set " + since + " blocks ago, the next are taken in " + wait
                            + " blocks (the limit is " + limit + ")",
                    false);
        }
    }

    private ChainException kept(IOException e) {
        return new ChainException("committed weights are kept in " + journal.path() + ": " + e.getMessage(), false, e);
    }
}
