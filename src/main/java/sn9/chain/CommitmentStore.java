package sn9.chain;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;
import sn9.subnet.CommitTooSoonException;
import sn9.subnet.Commitment;
import sn9.subnet.ModelMetadataStore;
import sn9.wallet.Keypair;
import sn9.wallet.Ss58;

/**
 * Commitments of a subnet's hotkeys on chain. Committing is a walk through states that are kept on disk (spec/subnet.md D.12):
 * nothing, signed and written down, sent, in a block, read back. It may be cut off between any two and is taken up again
 * with the same bytes; a new extrinsic is signed only when the one before cannot be included any more.
 */
public final class CommitmentStore implements ModelMetadataStore {
    private static final Logger LOG = LoggerFactory.getLogger(CommitmentStore.class);

    /** Blocks for which a commitment can be included: at 12 seconds six minutes. */
    private static final int ERA_BLOCKS = 32;

    /** Longest text that is one field {@code Raw}; longer ones are {@code BigRaw}. */
    private static final int MAX_RAW_BYTES = 128;

    private final ChainClient chain;
    private final int netuid;
    private final Keypair hotkey;
    private final CommitJournal journal;
    private final Duration patience;
    private final Extrinsics extrinsics;

    /**
     * The commitments of a subnet.
     *
     * @param hotkey commits
     * @param journal where a commitment under way is kept: of this chain, subnet and hotkey
     * @param patience the longest time of one {@link #commit}, everything included
     */
    CommitmentStore(ChainClient chain, int netuid, Keypair hotkey, CommitJournal journal, Duration patience) {
        this.chain = chain;
        this.netuid = netuid;
        this.hotkey = hotkey;
        this.journal = journal;
        this.patience = patience;
        this.extrinsics = new Extrinsics(chain, patience);
    }

    @Override
    public Map<String, Commitment> commitments() throws RemoteCallException, InterruptedException {
        return committed(chain.head(), netuid);
    }

    @Override
    public Optional<Commitment> commitment(String address) throws RemoteCallException, InterruptedException {
        return committed(chain.head(), netuid, Ss58.decode(address));
    }

    @Override
    public Commitment commit(String text) throws RemoteCallException, InterruptedException {
        var limit = Deadline.in(patience);
        return new CommitmentStore(chain.until(limit), netuid, hotkey, journal, patience).commitInTime(text, limit);
    }

    private Commitment commitInTime(String text, Deadline limit) throws RemoteCallException, InterruptedException {
        try (var _ = journal.lock(limit)) {
            var left = journal.read();
            if (left.isPresent()) {
                LOG.info(
                        "event=commit_resumed text={} extrinsic={}",
                        left.get().text(),
                        left.get().extrinsic().hash());
                settleFormer(left.get(), text);
            }
            var view = chain.head();
            var standing = committed(view, netuid, hotkey.publicKey())
                    .filter(c -> c.text().equals(text));
            if (standing.isPresent()) {
                return standing.get();
            }
            checkLimits(view, text);
            var signed = extrinsics.sign(hotkey, "Commitments", "set_commitment", arguments(text), ERA_BLOCKS);
            var entry = new CommitJournal.Entry(text, signed);
            journal.write(entry);
            LOG.info(
                    "event=commit_signed text={} extrinsic={} valid_until_block={}",
                    text,
                    signed.hash(),
                    signed.death() - 1);
            settle(entry, true);
            return readBack(text);
        } catch (RemoteCallException e) {
            throw e;
        } catch (IOException e) {
            throw new ChainException(
                    "the commitment under way is kept in " + journal.path() + ": " + e.getMessage(), false, e);
        }
    }

    /** All commitments of a subnet at a block that are texts, by hotkey. */
    static Map<String, Commitment> committed(ChainView view, int netuid)
            throws RemoteCallException, InterruptedException {
        var commitments = new LinkedHashMap<String, Commitment>();
        for (var entry :
                view.entries("Commitments", "CommitmentOf", Value.of(netuid)).entrySet()) {
            try {
                String address = Metagraphs.address(entry.getKey().getFirst());
                read(entry.getValue()).ifPresent(commitment -> commitments.put(address, commitment));
            } catch (MalformedDataException e) {
                throw view.misunderstood("Commitments.CommitmentOf", e);
            }
        }
        return commitments;
    }

    /** The commitment of a hotkey at a block, if it has made one that is a text. */
    static Optional<Commitment> committed(ChainView view, int netuid, byte[] hotkey)
            throws RemoteCallException, InterruptedException {
        var value = view.storage("Commitments", "CommitmentOf", Value.of(netuid), Value.of(hotkey));
        try {
            return value.isEmpty() ? Optional.empty() : read(value.get());
        } catch (MalformedDataException e) {
            throw view.misunderstood("Commitments.CommitmentOf", e);
        }
    }

    /** The first field, when it is a text: {@code Raw0} to {@code Raw128} or {@code BigRaw}. */
    private static Optional<Commitment> read(Value registration) throws MalformedDataException {
        long block = registration.field("block").natural();
        var fields = registration.field("info").field("fields").items();
        if (fields.isEmpty()) {
            return Optional.empty();
        }
        var field = fields.getFirst().choice();
        if (!field.name().startsWith("Raw") && !field.name().equals("BigRaw")
                || field.items().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Commitment(new String(field.at(0).bytes(), StandardCharsets.UTF_8), block));
    }

    private Value arguments(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0) {
            throw new IllegalArgumentException("an empty text is committed");
        }
        String variant = bytes.length > MAX_RAW_BYTES ? "BigRaw" : "Raw" + bytes.length;
        return Value.struct(
                "netuid", Value.of(netuid),
                "info", Value.struct("fields", Value.items(Value.choice(variant, Value.of(bytes)))));
    }

    private void checkLimits(ChainView view, String text) throws RemoteCallException, InterruptedException {
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        long wait = CommitLimits.blocksToWait(view, netuid, hotkey.publicKey(), bytes);
        if (wait > 0) {
            throw tooSoon(wait);
        }
    }

    private CommitTooSoonException tooSoon(long blocks) {
        return new CommitTooSoonException(
                "subnet " + netuid + " takes the next commitment of " + hotkey.address() + " in " + blocks + " blocks",
                blocks);
    }

    /** Ends a commitment that an earlier run left under way; what the chain had against another text does not matter. */
    private void settleFormer(CommitJournal.Entry entry, String text) throws IOException, InterruptedException {
        try {
            settle(entry, false);
        } catch (RemoteCallException e) {
            if (journal.read().isPresent()) {
                throw e;
            }
            LOG.warn("event=commit_ended text={} wanted={} reason=\"{}\"", entry.text(), text, e.getMessage());
        }
    }

    /**
     * Sends what is written down until its fate is known, and forgets it then.
     *
     * @param fresh whether it has never been sent before
     */
    private void settle(CommitJournal.Entry entry, boolean fresh) throws IOException, InterruptedException {
        Fate fate;
        try {
            fate = extrinsics.submit(entry.extrinsic(), true);
        } catch (RpcErrorException e) {
            if (fresh && e.code() == RpcErrorException.INVALID) {
                journal.clear();
                throw e.custom().orElse(-1) == PoolRefusal.RATE_LIMIT
                        ? tooSoon(CommitLimits.blocksToRenewal(chain.head(), netuid))
                        : e;
            }
            fate = extrinsics.fate(entry.extrinsic());
            if (fate instanceof Fate.Open) {
                throw e;
            }
        }
        switch (fate) {
            case Fate.Included included -> {
                journal.clear();
                LOG.info(
                        "event=commit_included text={} block={} error={}",
                        entry.text(),
                        included.block(),
                        included.error().orElse("none"));
                if (included.error().isPresent()) {
                    throw refused(included.error().get());
                }
            }
            case Fate.Dead dead -> {
                journal.clear();
                throw new ChainException("the commitment was not included: " + dead.reason() + "; commit again", true);
            }
            case Fate.Open open ->
                throw new ChainException(
                        "the commitment is still under way: " + open.reason()
                                + "; commit again, which goes on with the same extrinsic",
                        true);
        }
    }

    private RemoteCallException refused(String error) throws RemoteCallException, InterruptedException {
        return switch (error) {
            case "Commitments.SpaceLimitExceeded", "Commitments.CommitmentSetRateLimitExceeded" ->
                tooSoon(Math.max(
                        1,
                        Math.max(
                                CommitLimits.blocksToWait(chain.head(), netuid, hotkey.publicKey(), 0),
                                error.contains("Space") ? CommitLimits.blocksToRenewal(chain.head(), netuid) : 0)));
            case "Commitments.AccountNotAllowedCommit" ->
                new ChainException(
                        error + ": hotkey " + hotkey.address() + " is not registered on subnet " + netuid
                                + "; register it first",
                        false);
            default -> new ChainException("the chain refused the commitment: " + error, false);
        };
    }

    private Commitment readBack(String text) throws RemoteCallException, InterruptedException {
        var back = committed(chain.head(), netuid, hotkey.publicKey());
        return back.filter(commitment -> commitment.text().equals(text))
                .orElseThrow(() -> new ChainException(
                        "committed \"" + text + "\", but the chain says "
                                + back.map(Commitment::text).orElse("nothing") + "; commit again",
                        true));
    }
}
