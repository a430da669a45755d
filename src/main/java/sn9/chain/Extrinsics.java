package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.chain.scale.Calls;
import sn9.chain.scale.Era;
import sn9.chain.scale.ExtrinsicFormat;
import sn9.chain.scale.RuntimeEvents;
import sn9.chain.scale.RuntimeEvents.Event;
import sn9.chain.scale.ScaleReader;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.SigningContext;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.Value;
import sn9.wallet.Keypair;
import sn9.wallet.Ss58;

/**
 * Signs extrinsics, submits and watches them, and finds out what became of them. The watch is a courtesy of the node: when
 * it breaks off, the chain itself is asked, by the sender's nonce and by the blocks of the extrinsic's era.
 */
final class Extrinsics {
    private static final Logger LOG = LoggerFactory.getLogger(Extrinsics.class);

    /** Time between two looks at the chain while a submission is open. */
    private static final Duration POLL = Duration.ofSeconds(2);

    /** Every node keeps the states of 256 blocks and more. */
    private static final int KEPT_STATES = 256;

    private final ChainClient chain;
    private final Duration patience;

    /**
     * Submits over a connection.
     *
     * @param patience how long {@link #submit} follows an extrinsic before it says that it is open
     */
    Extrinsics(ChainClient chain, Duration patience) {
        this.chain = chain;
        this.patience = patience;
    }

    /**
     * Signs a call.
     *
     * @param blocks for how many blocks it can be included
     * @throws ChainException when the runtime has no such call, or wants an extension that is unknown here
     */
    SignedExtrinsic sign(Keypair signer, String pallet, String call, Value arguments, int blocks)
            throws RemoteCallException, InterruptedException {
        return new Extrinsics(chain.patient(), patience).signInTime(signer, pallet, call, arguments, blocks);
    }

    private SignedExtrinsic signInTime(Keypair signer, String pallet, String call, Value arguments, int blocks)
            throws RemoteCallException, InterruptedException {
        var head = chain.head();
        var born = chain.finalizedHead();
        var runtime = head.runtime();
        Era era = Era.mortal(blocks, born.number());
        long birth = era.birth(born.number());
        String eraHash = birth == born.number()
                ? born.hash()
                : chain.hashOf(birth)
                        .orElseThrow(() -> new ChainException("the node does not know its block " + birth, true));
        try {
            var format = new ExtrinsicFormat(runtime.metadata());
            byte[] data = Calls.encode(runtime.metadata(), pallet, call, arguments);
            var context = new SigningContext(
                    runtime.specVersion(),
                    runtime.transactionVersion(),
                    digits(chain.genesisHash()),
                    era,
                    digits(eraHash),
                    nonce(signer),
                    BigInteger.ZERO);
            byte[] signature = signer.sign(format.bytesToSign(data, context));
            byte[] bytes = format.extrinsic(signer.publicKey(), signature, data, context);
            return new SignedExtrinsic(
                    bytes, signer.publicKey(), context.nonce(), birth, era.death(born.number()), runtime.specVersion());
        } catch (MalformedDataException e) {
            throw chain.misunderstood(pallet + "." + call, e);
        } catch (IllegalArgumentException e) { // a version, a nonce or an address that the runtime's types do not hold
            throw chain.misunderstood(
                    pallet + "." + call, new MalformedDataException("runtime metadata", -1, e.getMessage(), e));
        }
    }

    /** What the chain would take for an extrinsic, in rao. */
    BigInteger fee(SignedExtrinsic extrinsic) throws RemoteCallException, InterruptedException {
        String method = "TransactionPaymentApi_query_info";
        byte[] arguments = new ScaleWriter()
                .bytes(extrinsic.bytes())
                .u32(extrinsic.bytes().length)
                .toBytes();
        var in = new ScaleReader(method, chain.head().call(method, arguments));
        try {
            in.compact(); // weight: time
            in.compact(); // weight: size of the proof
            in.u8(); // class
            BigInteger fee = in.unsigned(Long.BYTES);
            in.end();
            return fee;
        } catch (MalformedDataException e) {
            throw chain.misunderstood("fee", e);
        }
    }

    /**
     * Submits an extrinsic and follows it. May be called again with the same one.
     *
     * @param untilFinal whether to wait until its block cannot be taken back
     * @return its fate; {@link Fate.Open} when the patience is over before anything is known
     * @throws RpcErrorException when the node refused it and the chain does not hold it
     * @throws ChainException retryable, when it was refused since the runtime has changed after it was signed
     */
    Fate submit(SignedExtrinsic extrinsic, boolean untilFinal) throws RemoteCallException, InterruptedException {
        return new Extrinsics(chain.until(Deadline.in(patience)), patience).submitInTime(extrinsic, untilFinal);
    }

    private Fate submitInTime(SignedExtrinsic extrinsic, boolean untilFinal)
            throws RemoteCallException, InterruptedException {
        try {
            var watched = watch(extrinsic, untilFinal);
            var included = watched.isPresent() ? included(watched.get(), extrinsic) : Optional.<Fate.Included>empty();
            if (included.isPresent()) {
                return included.get();
            }
        } catch (RpcErrorException e) {
            Fate fate = fate(extrinsic);
            boolean known = e.code() == RpcErrorException.ALREADY_IMPORTED;
            if (fate instanceof Fate.Open && !known) {
                throw refused(extrinsic, e);
            }
        } catch (RemoteCallException e) {
            LOG.info("event=watch_lost extrinsic={} reason=\"{}\"", extrinsic.hash(), e.getMessage());
        }
        while (true) {
            Fate fate = fateOrOpen(extrinsic);
            if (!(fate instanceof Fate.Open) || chain.left().compareTo(POLL) <= 0) {
                return fate;
            }
            Thread.sleep(POLL);
        }
    }

    /** A refusal whose reason is that the runtime was upgraded is none for good: signed anew, it will be taken. */
    private ChainException refused(SignedExtrinsic extrinsic, RpcErrorException refusal)
            throws RemoteCallException, InterruptedException {
        long present = chain.head().runtime().specVersion();
        return present == extrinsic.specVersion()
                ? refusal
                : new ChainException(
                        "the runtime was upgraded from version " + extrinsic.specVersion() + " to " + present
                                + " since this was signed; it is signed anew once the upgrade is final: "
                                + refusal.getMessage(),
                        true,
                        refusal);
    }

    /** What the chain knows; where it cannot be asked in time, the extrinsic is open. */
    private Fate fateOrOpen(SignedExtrinsic extrinsic) throws RemoteCallException, InterruptedException {
        try {
            return fate(extrinsic);
        } catch (RemoteCallException e) {
            if (!e.retryable()) {
                throw e;
            }
            return new Fate.Open("the chain cannot be asked: " + e.getMessage());
        }
    }

    /** What the chain knows of an extrinsic; asks no pool. */
    Fate fate(SignedExtrinsic extrinsic) throws RemoteCallException, InterruptedException {
        var head = chain.head();
        if (nonceAt(head, extrinsic.signer()) > extrinsic.nonce()) {
            long last = Math.min(head.number(), extrinsic.death() - 1);
            for (long number = last; number >= extrinsic.birth(); number--) {
                var hash = chain.hashOf(number);
                var included = hash.isEmpty() ? Optional.<Fate.Included>empty() : included(hash.get(), extrinsic);
                if (included.isPresent()) {
                    return included.get();
                }
            }
            return new Fate.Dead("another extrinsic of the same key took its place (nonce " + extrinsic.nonce() + ")");
        }
        var settled = chain.finalizedHead();
        if (settled.number() >= extrinsic.death() - 1) {
            return new Fate.Dead(
                    "it was included in none of the blocks " + extrinsic.birth() + " to " + (extrinsic.death() - 1));
        }
        long present = settled.runtime().specVersion();
        if (present != extrinsic.specVersion()) {
            return new Fate.Dead("it was signed for version " + extrinsic.specVersion()
                    + " of the runtime, which has been upgraded to " + present);
        }
        return new Fate.Open("it is in no block up to " + head.number()
                + head.time().map(time -> ", stamped " + time).orElse("") + "; it can be included until block "
                + (extrinsic.death() - 1));
    }

    /** Follows the node's own reports; the hash of the block that holds the extrinsic, or empty when they broke off. */
    private Optional<String> watch(SignedExtrinsic extrinsic, boolean untilFinal)
            throws RemoteCallException, InterruptedException {
        // A quarter of the time is kept for asking the chain itself.
        var end = Deadline.in(chain.left().multipliedBy(3).dividedBy(4));
        var connection = chain.until(end).connection();
        var watch = connection.subscribe(
                end.orIn(chain.settings().call()).left(), "author_submitAndWatchExtrinsic", Hex.of(extrinsic.bytes()));
        Optional<String> block = Optional.empty();
        try {
            while (true) {
                var status = watch.next(end.left());
                if (status.isEmpty()) {
                    return block;
                }
                LOG.debug("extrinsic={} status={}", extrinsic.hash(), Hex.brief(status.get()));
                var step = Step.of(status.get());
                block = step.kind().holds() ? step.hash() : step.kind() == Kind.RETRACTED ? Optional.empty() : block;
                if (step.kind().isLast() || block.isPresent() && !untilFinal) {
                    return block;
                }
            }
        } finally {
            connection.unsubscribe("author_unwatchExtrinsic", watch);
        }
    }

    /** The kinds of status a node reports (spec/chain.md 1). */
    private enum Kind {
        WAITING,
        IN_BLOCK,
        RETRACTED,
        FINALIZED,
        FINALITY_TIMEOUT,
        GONE;

        boolean holds() {
            return this == IN_BLOCK || this == FINALIZED || this == FINALITY_TIMEOUT;
        }

        boolean isLast() {
            return this == FINALIZED || this == FINALITY_TIMEOUT || this == GONE;
        }
    }

    private record Step(Kind kind, Optional<String> hash) {
        static Step of(JsonNode status) throws ChainException {
            String name =
                    status.isObject() && !status.isEmpty() ? status.fieldNames().next() : status.asText();
            Kind kind =
                    switch (name) {
                        case "inBlock" -> Kind.IN_BLOCK;
                        case "retracted" -> Kind.RETRACTED;
                        case "finalized" -> Kind.FINALIZED;
                        case "finalityTimeout" -> Kind.FINALITY_TIMEOUT;
                        case "usurped", "dropped", "invalid" -> Kind.GONE;
                        default -> Kind.WAITING;
                    };
            try {
                return new Step(kind, kind.holds() ? Optional.of(Hex.hash(name, status.get(name))) : Optional.empty());
            } catch (MalformedDataException e) {
                throw new ChainException("status of an extrinsic: " + e.getMessage(), true, e);
            }
        }
    }

    /** The extrinsic in a block, with its events. */
    private Optional<Fate.Included> included(String blockHash, SignedExtrinsic extrinsic)
            throws RemoteCallException, InterruptedException {
        JsonNode block = chain.call("chain_getBlock", blockHash).path("block");
        String wanted = Hex.of(extrinsic.bytes());
        int index = 0;
        for (JsonNode found : block.path("extrinsics")) {
            if (found.asText().equals(wanted)) {
                var header = chain.header(blockHash);
                return Optional.of(outcome(header, index));
            }
            index++;
        }
        return Optional.empty();
    }

    /** What an extrinsic did, by the events of its block; of an old block, whose state the node has discarded, nothing. */
    private Fate.Included outcome(ChainClient.Header header, int index)
            throws RemoteCallException, InterruptedException {
        List<Event> events;
        Optional<String> error = Optional.empty();
        try {
            // They are written by the runtime that executed the block: that of its parent's state.
            var metadata = chain.runtimeAt(header.parentHash()).metadata();
            var item = StorageItem.of(metadata, "System", "Events");
            JsonNode answer = chain.call("state_getStorage", Hex.of(item.key()), header.hash());
            byte[] bytes = answer.isNull() ? item.entry().fallback() : Hex.bytes("System.Events", answer);
            events = RuntimeEvents.read(item.value(bytes)).stream()
                    .filter(event -> event.extrinsic().orElse(-1) == index)
                    .toList();
            for (Event event : events) {
                if (event.is("System", "ExtrinsicFailed")) {
                    error = Optional.of(
                            RuntimeEvents.errorName(metadata, event.fields().at(0)));
                }
            }
        } catch (MalformedDataException e) {
            throw chain.misunderstood("events of block " + header.number(), e);
        } catch (RpcErrorException e) {
            if (chain.head().number() - header.number() < KEPT_STATES) {
                throw e;
            }
            LOG.info("event=events_discarded block={} reason=\"{}\"", header.number(), e.getMessage());
            events = List.of();
        }
        return new Fate.Included(header.hash(), header.number(), events, error);
    }

    private static long nonceAt(ChainView view, byte[] account) throws RemoteCallException, InterruptedException {
        try {
            return view.storage("System", "Account", Value.of(account))
                    .orElseThrow(() -> new ChainException("System.Account has no default", false))
                    .field("nonce")
                    .natural();
        } catch (MalformedDataException e) {
            throw view.misunderstood("System.Account", e);
        }
    }

    /** The next nonce, those in the node's pool counted. */
    private long nonce(Keypair signer) throws RemoteCallException, InterruptedException {
        JsonNode answer = chain.call("system_accountNextIndex", Ss58.encode(signer.publicKey()));
        try {
            return Hex.number("system_accountNextIndex", answer);
        } catch (MalformedDataException e) {
            throw chain.misunderstood("nonce", e);
        }
    }

    private static byte[] digits(String hash) {
        return HexFormat.of().parseHex(hash, 2, hash.length());
    }
}
