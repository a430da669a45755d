package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.MetadataReader;
import sn9.chain.scale.ScaleReader;
import sn9.chain.scale.ScaleWriter;

/**
 * A Substrate chain seen through one of its nodes. Everything is read at a block, by the metadata of the runtime of that
 * block; an upgrade of the runtime is noticed there. Any thread may use it.
 */
public final class ChainClient implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChainClient.class);

    /** Metadata versions in the order they are asked for; the last resort is 14, of {@code state_getMetadata}. */
    private static final List<Integer> METADATA_VERSIONS = List.of(15, 16);

    private final RpcClient rpc;
    private final Heads heads;
    private final AtomicReference<ChainRuntime> runtime; // of the latest block looked at; null before
    private final Optional<Deadline> deadline;

    /**
     * A block's place.
     *
     * @param hash {@code 0x} and 64 digits
     */
    record Header(String hash, long number, String parentHash) {}

    /**
     * A client, which connects on the first call.
     *
     * @param endpoints addresses of WebSockets of the same chain, tried in order
     * @param genesis the hash of its first block, when it must be a particular chain
     */
    public ChainClient(List<String> endpoints, Optional<String> genesis, RpcSettings settings) {
        this(endpoints, genesis, settings, new Heads(InstantSource.system(), System::nanoTime));
    }

    /** As {@link #ChainClient(List, Optional, RpcSettings)}, with other clocks. */
    ChainClient(List<String> endpoints, Optional<String> genesis, RpcSettings settings, Heads heads) {
        this(new RpcClient(endpoints, genesis, settings), heads, new AtomicReference<>(), Optional.empty());
    }

    private ChainClient(
            RpcClient rpc, Heads heads, AtomicReference<ChainRuntime> runtime, Optional<Deadline> deadline) {
        this.rpc = rpc;
        this.heads = heads;
        this.runtime = runtime;
        this.deadline = deadline;
    }

    /** This client for somebody who waits no longer than that, whatever it is asked; closing it closes this one. */
    ChainClient until(Deadline limit) {
        boolean sooner = deadline.isEmpty() || limit.nanos() - deadline.get().nanos() < 0;
        return new ChainClient(rpc, heads, runtime, sooner ? Optional.of(limit) : deadline);
    }

    /** This client for one question of several calls: all of them together have the patience that one call has. */
    ChainClient patient() {
        return until(limit());
    }

    /** Until when a call that begins now may take. */
    private Deadline limit() {
        var patience = rpc.settings().patience();
        return deadline.map(end -> end.orIn(patience)).orElseGet(() -> Deadline.in(patience));
    }

    /** The time that is left for whoever waits; the patience of a call where nobody has said. */
    Duration left() {
        return deadline.map(Deadline::left).orElse(rpc.settings().patience());
    }

    /** Calls a method that may be repeated; see {@link RpcClient#call}. */
    JsonNode call(String method, Object... parameters) throws RemoteCallException, InterruptedException {
        return rpc.call(limit(), method, parameters);
    }

    /** The present connection, for what may not be repeated. */
    RpcConnection connection() throws RemoteCallException, InterruptedException {
        return rpc.connection(limit());
    }

    /**
     * An answer that cannot be understood. Its node is left, and what is known of the runtime forgotten: either may have been
     * wrong, and the next question finds out.
     */
    ChainException misunderstood(String what, MalformedDataException cause) {
        runtime.set(null);
        rpc.leave(what + ": " + cause.getMessage());
        return ChainException.misunderstood(what, cause);
    }

    /** How long the client waits for what. */
    RpcSettings settings() {
        return rpc.settings();
    }

    /** The hash of the first block, {@code 0x} and 64 digits. */
    public String genesisHash() throws RemoteCallException, InterruptedException {
        return rpc.genesis(limit());
    }

    /**
     * The latest block.
     *
     * @throws ChainException retryable, when no node answers or all lag behind
     */
    public ChainView head() throws RemoteCallException, InterruptedException {
        var within = patient();
        for (int tried = 1; ; tried++) {
            var connection = within.connection();
            var view = within.at(within.hash("chain_getBlockHash"));
            var objection = heads.objection(connection.endpoint(), view.number());
            if (objection.isEmpty()) {
                within.compareClocks(connection, view);
                return new ChainView(this, view);
            }
            rpc.leave(connection, objection.get());
            if (tried >= rpc.endpoints().size()) {
                throw new ChainException(objection.get(), true);
            }
        }
    }

    /** The latest block that cannot be taken back. */
    public ChainView finalizedHead() throws RemoteCallException, InterruptedException {
        var within = patient();
        return new ChainView(this, within.at(within.hash("chain_getFinalizedHead")));
    }

    /** The chain at a block. */
    public ChainView at(String hash) throws RemoteCallException, InterruptedException {
        var within = patient();
        var header = within.header(hash);
        return new ChainView(this, header, within.runtimeAt(hash));
    }

    /** The hash of a block by its number, if the node has got that far. */
    Optional<String> hashOf(long number) throws RemoteCallException, InterruptedException {
        JsonNode answer = call("chain_getBlockHash", number);
        try {
            return answer.isNull() ? Optional.empty() : Optional.of(Hex.hash("chain_getBlockHash", answer));
        } catch (MalformedDataException e) {
            throw misunderstood("block " + number, e);
        }
    }

    /** The hash of the latest block whose number is a multiple of {@code period}. */
    String periodHash(int period) throws RemoteCallException, InterruptedException {
        long number = head().number() / period * period;
        return hashOf(number).orElseThrow(() -> new ChainException("the node has no block " + number, true));
    }

    /** The header of a block. */
    Header header(String hash) throws RemoteCallException, InterruptedException {
        JsonNode header = call("chain_getHeader", hash);
        try {
            return new Header(
                    hash,
                    Hex.number("chain_getHeader", header.path("number")),
                    Hex.hash("chain_getHeader", header.path("parentHash")));
        } catch (MalformedDataException e) {
            throw misunderstood("header of " + hash, e);
        }
    }

    /** The runtime that stands in the state of a block, and executes the one after it. */
    ChainRuntime runtimeAt(String hash) throws RemoteCallException, InterruptedException {
        JsonNode version = call("state_getRuntimeVersion", hash);
        var known = runtime.get();
        try {
            long spec = Hex.number("specVersion", version.path("specVersion"));
            long transaction = Hex.number("transactionVersion", version.path("transactionVersion"));
            if (known != null && known.specVersion() == spec && known.transactionVersion() == transaction) {
                return known;
            }
            var read = new ChainRuntime(spec, transaction, metadata(hash));
            LOG.info("event=runtime spec_version={} before={}", spec, known == null ? null : known.specVersion());
            runtime.set(read);
            return read;
        } catch (MalformedDataException e) {
            throw misunderstood("runtime of " + hash, e);
        }
    }

    @Override
    public void close() {
        rpc.close();
    }

    private void compareClocks(RpcConnection connection, ChainView view)
            throws RemoteCallException, InterruptedException {
        if (heads.wantsStamp(connection)) {
            var stamp = view.time();
            if (stamp.isPresent()) {
                heads.compare(connection.endpoint(), view.number(), stamp.get());
            }
        }
    }

    private String hash(String method) throws RemoteCallException, InterruptedException {
        JsonNode answer = call(method);
        try {
            return Hex.hash(method, answer);
        } catch (MalformedDataException e) {
            throw misunderstood(method, e);
        }
    }

    private Metadata metadata(String hash) throws RemoteCallException, InterruptedException, MalformedDataException {
        for (int version : METADATA_VERSIONS) {
            try {
                String wanted = Hex.of(new ScaleWriter().u32(version).toBytes());
                JsonNode answer = call("state_call", "Metadata_metadata_at_version", wanted, hash);
                var in = new ScaleReader("metadata", Hex.bytes("metadata", answer));
                if (in.option()) {
                    byte[] blob = in.byteList();
                    in.end();
                    return MetadataReader.read("metadata of version " + version, blob);
                }
            } catch (RpcErrorException e) {
                LOG.debug("no metadata of version {}: {}", version, e.getMessage());
            }
        }
        return MetadataReader.read("metadata", Hex.bytes("metadata", call("state_getMetadata", hash)));
    }
}
