package sn9.localnet;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import sn9.RemoteCallException;
import sn9.chain.scale.Value;
import sn9.localnet.chain.DispatchException;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.EpochResult;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.chain.WeightSubmission;
import sn9.subnet.CommitTooSoonException;
import sn9.subnet.Commitment;
import sn9.subnet.Metagraph;
import sn9.subnet.ModelId;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.Neuron;
import sn9.subnet.SubnetChain;
import sn9.subnet.WeightVector;
import sn9.wallet.Ss58;

/**
 * A neuron's door to the {@link EmbeddedChain} in {@code chain.db} of a local network's directory: the chain's ports without
 * a server and without signatures. What it writes runs the same calls on the same state as signed extrinsics do. Any number
 * of processes may have it open. Any thread may call it; calls on one instance take turns.
 *
 * <p>A neuron has a validator permit when its stake is above 0; the genuine chain gives it to the 64 of largest stake.
 */
public final class LocalChain implements SubnetChain, ModelMetadataStore {
    private static final String FILE = "chain.db";

    private static final double RAO_PER_TAO = 1e9;

    private static final double MAX_U16 = 65_535;

    private final EmbeddedChain chain;
    private final Optional<LocalIdentity> identity;

    private LocalChain(EmbeddedChain chain, Optional<LocalIdentity> identity) {
        this.chain = chain;
        this.identity = identity;
    }

    /** As {@link #open(Path, LocalIdentity, LocalChainParameters, InstantSource)} by default parameters and clock. */
    public static LocalChain open(Path localnetDir, LocalIdentity who) throws IOException {
        return open(localnetDir, who, LocalChainParameters.defaults(), InstantSource.system());
    }

    /**
     * Opens a local network's chain as one of its neurons, creating it where there is none.
     *
     * @param who under whose hotkey to commit and set weights; need not be registered yet
     * @param parameters for a chain that is created now; an existing one keeps its own
     * @param clock tells which block it is
     * @throws sn9.MalformedDataException when the database is damaged, foreign or of another schema version
     */
    public static LocalChain open(
            Path localnetDir, LocalIdentity who, LocalChainParameters parameters, InstantSource clock)
            throws IOException {
        EmbeddedChain.createIfAbsent(file(localnetDir), parameters, clock.instant());
        return openExisting(localnetDir, who, clock);
    }

    /**
     * Makes a local network's chain where there is none, and opens it to look at, as nobody.
     *
     * @throws FileAlreadyExistsException when there is one
     */
    public static LocalChain create(Path localnetDir, LocalChainParameters parameters, InstantSource clock)
            throws IOException {
        Path file = file(localnetDir);
        if (Files.exists(file)) {
            throw new FileAlreadyExistsException(file.toString());
        }
        EmbeddedChain.createIfAbsent(file, parameters, clock.instant());
        return observe(localnetDir, clock);
    }

    /**
     * Opens an existing chain as one of its neurons.
     *
     * @throws IOException when there is none in that directory
     */
    public static LocalChain openExisting(Path localnetDir, LocalIdentity who, InstantSource clock) throws IOException {
        return new LocalChain(EmbeddedChain.open(file(localnetDir), clock), Optional.of(who));
    }

    /**
     * Opens an existing chain to look at, as nobody.
     *
     * @throws IOException when there is none in that directory
     */
    public static LocalChain observe(Path localnetDir, InstantSource clock) throws IOException {
        return new LocalChain(EmbeddedChain.open(file(localnetDir), clock), Optional.empty());
    }

    /** The chain's file in a local network's directory. */
    public static Path file(Path localnetDir) {
        return localnetDir.resolve(FILE);
    }

    /** What the chain was created with, or has been set to since. */
    public LocalChainParameters parameters() throws RemoteCallException {
        return remote(chain::parameters);
    }

    @Override
    public long block() throws RemoteCallException {
        return remote(chain::openBlock);
    }

    @Override
    public String periodHash(int period) throws RemoteCallException {
        return remote(() -> {
            long number = chain.best().number() / period * period;
            return "0x"
                    + HexFormat.of()
                            .formatHex(chain.block(number)
                                    .orElseThrow(() -> new IOException("block " + number + " is forgotten"))
                                    .hash());
        });
    }

    /**
     * Lets blocks pass at once, for rehearsals that cannot wait.
     *
     * @param blocks 0 or more
     * @return the block it is then
     */
    public long advance(long blocks) throws RemoteCallException {
        return remote(() -> chain.advance(blocks));
    }

    /**
     * Gives a hotkey a slot: the lowest free one. A hotkey that is registered keeps its slot and its stake.
     *
     * @param stake in TAO, 0 or more
     * @return the uid
     * @throws RemoteCallException not retryable when all slots are taken
     */
    public int register(LocalIdentity who, double stake) throws RemoteCallException {
        if (!(stake >= 0) || Double.isInfinite(stake)) {
            throw new IllegalArgumentException("stake is " + stake + ", expected a finite number, 0 or more");
        }
        return remote(() -> chain.register(Ss58.decode(who.hotkey()), Ss58.decode(who.coldkey()), stake));
    }

    /**
     * Takes a hotkey off the subnet, as the genuine chain does when it prunes; its slot is free for another. Its
     * commitment stays readable, as there.
     *
     * @return whether it was registered
     */
    public boolean deregister(String hotkey) throws RemoteCallException {
        return remote(() -> chain.deregister(Ss58.decode(hotkey)));
    }

    @Override
    public Metagraph metagraph() throws RemoteCallException {
        return remote(() -> chain.lookNow(state -> {
            List<Neuron> neurons = new ArrayList<>();
            for (EmbeddedChain.Slot slot : EmbeddedChain.slots(state)) {
                neurons.add(new Neuron(
                        slot.uid(),
                        Ss58.encode(slot.hotkey()),
                        Ss58.encode(slot.coldkey()),
                        slot.stake() / RAO_PER_TAO,
                        slot.incentive() / MAX_U16,
                        slot.permit(),
                        slot.lastUpdate()));
            }
            return new Metagraph(state.netuid(), state.block(), neurons);
        }));
    }

    @Override
    public Map<String, Commitment> commitments() throws RemoteCallException {
        Map<String, Commitment> found = remote(() -> chain.lookNow(EmbeddedChain::commitments));
        Map<String, Commitment> byBlock = new LinkedHashMap<>();
        found.entrySet().stream()
                .sorted(Comparator.<Map.Entry<String, Commitment>>comparingLong(
                                c -> c.getValue().block())
                        .thenComparing(Map.Entry::getKey))
                .forEach(c -> byBlock.put(c.getKey(), c.getValue()));
        return byBlock;
    }

    @Override
    public Optional<Commitment> commitment(String hotkey) throws RemoteCallException {
        return remote(() -> chain.lookNow(state -> EmbeddedChain.commitment(state, Ss58.decode(hotkey))));
    }

    @Override
    public Commitment commit(String text) throws RemoteCallException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || bytes.length > ModelId.MAX_BYTES) {
            throw new IllegalArgumentException(
                    "commitment has " + bytes.length + " bytes, expected 1 to " + ModelId.MAX_BYTES);
        }
        String hotkey = identity().hotkey();
        Value info = Value.struct("fields", Value.items(Value.choice("Raw" + bytes.length, Value.of(bytes))));
        long interval = parameters().commitInterval();
        long block = call("Commitments", "set_commitment", state -> {
            Optional<Commitment> before = EmbeddedChain.commitment(state, Ss58.decode(hotkey));
            long wait = before.map(b -> b.block() + interval - state.block()).orElse(0L);
            if (wait > 0) {
                throw new CommitTooSoonException(
                        "local chain: hotkey " + hotkey + " committed at block "
                                + before.get().block() + ", it is block " + state.block()
                                + ", the next commitment may come in " + wait + " blocks",
                        wait);
            }
            return Value.struct("netuid", Value.of(state.netuid()), "info", info);
        });
        return new Commitment(text, block);
    }

    @Override
    public long setWeights(int[] uids, int[] weights, long versionKey) throws RemoteCallException {
        SortedMap<Integer, Integer> byUid = byUid(uids, weights);
        return call(
                "SubtensorModule",
                "set_weights",
                state -> Value.struct(
                        "netuid",
                        Value.of(state.netuid()),
                        "dests",
                        Value.numbers(
                                byUid.keySet().stream().mapToInt(uid -> uid).toArray()),
                        "weights",
                        Value.numbers(byUid.values().stream()
                                .mapToInt(weight -> weight)
                                .toArray()),
                        "version_key",
                        Value.ofUnsigned(versionKey)));
    }

    /** The weights that a validator's slot stands for now: the latest of its present holder. */
    public Optional<WeightSubmission> weights(int validatorUid) throws RemoteCallException {
        Optional<EmbeddedChain.Slot> slot = remote(() -> chain.lookNow(EmbeddedChain::slots)).stream()
                .filter(s -> s.uid() == validatorUid && s.lastUpdate() > 0)
                .findFirst();
        return slot.isEmpty()
                ? Optional.empty()
                : remote(() -> chain.submission(Ss58.encode(slot.get().hotkey())));
    }

    /** The latest weights that were set, newest first, whoever set them. */
    public List<WeightSubmission> submissions(int limit) throws RemoteCallException {
        return remote(() -> chain.submissions(limit));
    }

    /** The latest results of epochs, newest first. */
    public List<EpochResult> epochs(int limit) throws RemoteCallException {
        return remote(() -> chain.epochs(limit));
    }

    @Override
    public void close() throws RemoteCallException {
        chain.close();
    }

    /** Runs a call as this neuron; its arguments are made of the state it will meet. */
    private long call(String pallet, String call, EmbeddedChain.Look<Value> arguments) throws RemoteCallException {
        String hotkey = identity().hotkey();
        return remote(() -> {
            try {
                return chain.call(
                        Ss58.decode(hotkey),
                        state -> Value.choice(pallet, new Value.Choice(call, arguments.at(state))));
            } catch (DispatchException e) {
                throw refused(hotkey, e.getMessage());
            }
        });
    }

    private static RemoteCallException refused(String hotkey, String error) {
        String who = "local chain: hotkey " + hotkey;
        return switch (error) {
            case "AccountNotAllowedCommit", "HotKeyNotRegisteredInSubNet" ->
                new RemoteCallException(who + " is not registered (" + error + ")", false);
            case "NeuronNoValidatorPermit" ->
                new RemoteCallException(who + " has no validator permit: it has no stake (" + error + ")", false);
            case "SettingWeightsTooFast" ->
                new RemoteCallException(who + " has set weights too short a while ago (" + error + ")", true);
            case "SpaceLimitExceeded" ->
                new RemoteCallException(who + " has used up its space of this epoch (" + error + ")", true);
            case "UidVecContainInvalidOne" ->
                new RemoteCallException(
                        "local chain: a uid is given a weight but is not registered (" + error + ")", false);
            default -> new RemoteCallException("local chain: refused: " + error, false);
        };
    }

    private LocalIdentity identity() {
        return identity.orElseThrow(
                () -> new IllegalStateException("this chain was opened to look at, not as one of its neurons"));
    }

    /** Something that the chain does or tells. */
    @FunctionalInterface
    private interface Answer<T> {
        T get() throws IOException;
    }

    private static <T> T remote(Answer<T> answer) throws RemoteCallException {
        try {
            return answer.get();
        } catch (RemoteCallException e) {
            throw e;
        } catch (IOException e) {
            throw new RemoteCallException("local chain: " + e.getMessage(), false, e);
        }
    }

    /** The weights by uid, checked. */
    private static SortedMap<Integer, Integer> byUid(int[] uids, int[] weights) {
        if (uids.length != weights.length || uids.length == 0) {
            throw new IllegalArgumentException(
                    uids.length + " uids and " + weights.length + " weights, expected as many of both, at least one");
        }
        SortedMap<Integer, Integer> byUid = new TreeMap<>();
        for (int i = 0; i < uids.length; i++) {
            if (weights[i] < 0 || weights[i] > WeightVector.MAX) {
                throw new IllegalArgumentException(
                        "weight of uid " + uids[i] + " is " + weights[i] + ", expected 0 to " + WeightVector.MAX);
            }
            if (byUid.put(uids[i], weights[i]) != null) {
                throw new IllegalArgumentException("uid " + uids[i] + " occurs twice");
            }
        }
        return byUid;
    }
}
