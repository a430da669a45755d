package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;
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

    /** A node this many blocks behind what another has answered is left for the next. */
    private static final long MAX_LAG = 6;

    /** Metadata versions in the order they are asked for; the last resort is 14, of {@code state_getMetadata}. */
    private static final List<Integer> METADATA_VERSIONS = List.of(15, 16);

    private final RpcClient rpc;
    private volatile ChainRuntime runtime; // of the latest block looked at; null before
    private volatile long highest;

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
        this.rpc = new RpcClient(endpoints, genesis, settings);
    }

    RpcClient rpc() {
        return rpc;
    }

    /** The hash of the first block, {@code 0x} and 64 digits. */
    public String genesisHash() throws RemoteCallException, InterruptedException {
        return rpc.genesis();
    }

    /**
     * The latest block.
     *
     * @throws ChainException retryable, when no node answers or all lag behind
     */
    public ChainView head() throws RemoteCallException, InterruptedException {
        for (int tried = 1; ; tried++) {
            var connection = rpc.connection();
            var view = at(hash("chain_getBlockHash"));
            if (view.number() + MAX_LAG >= highest) {
                highest = Math.max(highest, view.number());
                return view;
            }
            String lag = connection.endpoint() + " lags behind: it is at block " + view.number() + ", block " + highest
                    + " was seen before";
            rpc.leave(connection, lag);
            if (tried >= rpc.endpoints().size()) {
                throw new ChainException(lag, true);
            }
        }
    }

    /** The latest block that cannot be taken back. */
    public ChainView finalizedHead() throws RemoteCallException, InterruptedException {
        return at(hash("chain_getFinalizedHead"));
    }

    /** The chain at a block. */
    public ChainView at(String hash) throws RemoteCallException, InterruptedException {
        var header = header(hash);
        return new ChainView(this, header, runtimeAt(hash));
    }

    /** The hash of a block by its number, if the node has got that far. */
    Optional<String> hashOf(long number) throws RemoteCallException, InterruptedException {
        JsonNode answer = rpc.call("chain_getBlockHash", number);
        try {
            return answer.isNull() ? Optional.empty() : Optional.of(Hex.hash("chain_getBlockHash", answer));
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood("block " + number, e);
        }
    }

    /** The hash of the latest block whose number is a multiple of {@code period}. */
    String periodHash(int period) throws RemoteCallException, InterruptedException {
        long number = head().number() / period * period;
        return hashOf(number).orElseThrow(() -> new ChainException("the node has no block " + number, true));
    }

    /** The header of a block. */
    Header header(String hash) throws RemoteCallException, InterruptedException {
        JsonNode header = rpc.call("chain_getHeader", hash);
        try {
            return new Header(
                    hash,
                    Hex.number("chain_getHeader", header.path("number")),
                    Hex.hash("chain_getHeader", header.path("parentHash")));
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood("header of " + hash, e);
        }
    }

    /** The runtime that stands in the state of a block, and executes the one after it. */
    ChainRuntime runtimeAt(String hash) throws RemoteCallException, InterruptedException {
        JsonNode version = rpc.call("state_getRuntimeVersion", hash);
        var known = runtime;
        try {
            long spec = Hex.number("specVersion", version.path("specVersion"));
            long transaction = Hex.number("transactionVersion", version.path("transactionVersion"));
            if (known != null && known.specVersion() == spec && known.transactionVersion() == transaction) {
                return known;
            }
            var read = new ChainRuntime(spec, transaction, metadata(hash));
            LOG.info("event=runtime spec_version={} before={}", spec, known == null ? null : known.specVersion());
            runtime = read;
            return read;
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood("runtime of " + hash, e);
        }
    }

    @Override
    public void close() {
        rpc.close();
    }

    private String hash(String method) throws RemoteCallException, InterruptedException {
        JsonNode answer = rpc.call(method);
        try {
            return Hex.hash(method, answer);
        } catch (MalformedDataException e) {
            throw ChainException.misunderstood(method, e);
        }
    }

    private Metadata metadata(String hash) throws RemoteCallException, InterruptedException, MalformedDataException {
        for (int version : METADATA_VERSIONS) {
            try {
                String wanted = Hex.of(new ScaleWriter().u32(version).toBytes());
                JsonNode answer = rpc.call("state_call", "Metadata_metadata_at_version", wanted, hash);
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
        return MetadataReader.read("metadata", Hex.bytes("metadata", rpc.call("state_getMetadata", hash)));
    }
}
