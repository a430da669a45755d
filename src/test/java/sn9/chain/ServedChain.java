package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import sn9.chain.scale.Calls;
import sn9.chain.scale.Era;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.MetadataReader;
import sn9.chain.scale.ScaleReader;
import sn9.chain.scale.Value;
import sn9.localnet.chain.DispatchException;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.chain.Runtime;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;
import sn9.wallet.Keypair;

/**
 * The embedded chain, served under a clock that stands still and with a block for every extrinsic, behind a relay that may
 * spoil what goes to and fro. On subnet 9 are a miner in slot 0 and a validator in slot 1.
 */
final class ServedChain implements AutoCloseable {
    static final int NETUID = 9;

    private static final Metadata METADATA = metadata();

    static final RpcSettings QUICK = new RpcSettings(
            Duration.ofSeconds(5),
            Duration.ofMillis(1_000),
            Duration.ofSeconds(10),
            Duration.ofMillis(20),
            Duration.ofMillis(100));

    final Keypair alice = Keypair.fromUri("//Alice");
    final Keypair miner = Keypair.fromUri("//Bob//hk");
    final Keypair validator = Keypair.fromUri("//Alice//hk");
    final EmbeddedChain chain;
    final FaultRelay relay;
    private final ChainServer server;
    private final ChainClient direct; // without the relay, and in no hurry

    /** A node's behaviour when an extrinsic is submitted. */
    enum Manner implements FaultRelay.Fault {
        /** Includes it and says so. */
        HONEST,
        /** Includes it, and its connection breaks before it says so. */
        CUT_AFTER_INCLUSION {
            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text) {
                if (isOfSubmission(method)) {
                    link.cut();
                    return Optional.empty();
                }
                return Optional.of(text);
            }
        },
        /** Includes it and never says so. */
        DUMB {
            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text) {
                return isOfSubmission(method) ? Optional.empty() : Optional.of(text);
            }
        },
        /** Says that it is ready, and forgets it. */
        FORGETFUL {
            @Override
            public boolean request(FaultRelay.Link link, JsonNode request) {
                if (isOfSubmission(Optional.of(request.get("method").asText()))) {
                    link.answer(request, "watch");
                    link.notify("watch", "ready");
                    return false;
                }
                return true;
            }
        },
        /** Tells of a block that holds it, takes that back, and includes it in another. */
        FORKING {
            private final AtomicBoolean forked = new AtomicBoolean();

            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text)
                    throws IOException {
                var update = FaultRelay.json(text);
                boolean ready = update.at("/params/result").asText().equals("ready");
                if (method.isEmpty() && ready && forked.compareAndSet(false, true)) {
                    String watch = update.at("/params/subscription").asText();
                    link.notify(watch, Map.of("inBlock", "0x" + "ee".repeat(32)));
                    link.notify(watch, Map.of("retracted", "0x" + "ee".repeat(32)));
                }
                return Optional.of(text);
            }
        },
        /** The connection breaks before the extrinsic is looked at. */
        CUT_BEFORE {
            @Override
            public boolean request(FaultRelay.Link link, JsonNode request) {
                if (isOfSubmission(Optional.of(request.get("method").asText()))) {
                    link.cut();
                    return false;
                }
                return true;
            }
        };

        private static boolean isOfSubmission(Optional<String> method) {
            return method.isEmpty() || method.get().equals("author_submitAndWatchExtrinsic");
        }
    }

    ServedChain(Path folder) throws IOException {
        this(folder, LocalChainParameters.defaults().withTempo(20), Instant::now);
    }

    /** Serves a new chain whose blocks are stamped by a clock; its first look at that clock is the only one. */
    ServedChain(Path folder, LocalChainParameters parameters, InstantSource time) throws IOException {
        Instant now = time.instant();
        InstantSource clock = () -> now;
        Path file = EmbeddedChain.file(folder);
        EmbeddedChain.createIfAbsent(file, parameters, now);
        chain = EmbeddedChain.open(file, clock);
        chain.register(miner.publicKey(), Keypair.fromUri("//Bob").publicKey(), 0);
        chain.register(validator.publicKey(), alice.publicKey(), 1_000);
        chain.advance(parameters.tempo() + 1); // the epoch gives the validator its permit
        server = ChainServer.start(folder, 0, new ChainSettings(true, 0), clock);
        relay = new FaultRelay(server.address().toString());
        direct = new ChainClient(List.of(node()), Optional.empty(), RpcSettings.standard());
        advance(0); // the first calls of a process take longest
    }

    String address() {
        return relay.address();
    }

    /** The node itself, without the relay. */
    String node() {
        return server.address().toString();
    }

    ChainClient client() {
        return new ChainClient(List.of(address()), Optional.empty(), QUICK);
    }

    /** Lets blocks pass, and their server see them. */
    void advance(long blocks) throws IOException {
        chain.advance(blocks);
        try {
            while (direct.head().number() < block()) {
                Thread.sleep(10);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    long block() throws IOException {
        return chain.best().number();
    }

    /** Commits a text in somebody's name, without the client and its extrinsic, and makes the block. */
    void commit(Keypair hotkey, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Value info = Value.struct("fields", Value.items(Value.choice("Raw" + bytes.length, Value.of(bytes))));
        Value arguments = Value.struct("netuid", Value.of(NETUID), "info", info);
        call(hotkey, Value.choice("Commitments", new Value.Choice("set_commitment", arguments)));
    }

    /** Changes a setting of the subnet, as root. */
    void admin(String call, Object... arguments) throws IOException {
        Value inner = Value.choice("AdminUtils", new Value.Choice(call, Value.struct(arguments)));
        root(inner);
    }

    /** Runs a call as root, in a block of its own. */
    void root(Value call) throws IOException {
        call(alice, Value.choice("Sudo", new Value.Choice("sudo", Value.struct("call", call))));
    }

    private void call(Keypair who, Value call) throws IOException {
        try {
            chain.call(who.publicKey(), state -> call);
        } catch (DispatchException e) {
            throw new IllegalStateException(e);
        }
        advance(1);
    }

    /** The calls by key holders that blocks hold, in order, by name. */
    List<String> included() throws IOException {
        var names = new ArrayList<String>();
        for (long number = 1; number <= block(); number++) {
            var block = chain.block(number).orElseThrow();
            for (byte[] extrinsic : chain.extrinsics(block).stream().skip(1).toList()) {
                names.add(name(extrinsic));
            }
        }
        return names;
    }

    private static String name(byte[] extrinsic) throws IOException {
        var in = new ScaleReader("extrinsic", extrinsic);
        in.count(1);
        in.bytes(2 + 32 + 1 + 64); // version, address and signature with their kinds
        Era.read(in);
        in.compact(); // nonce
        in.compact(); // tip
        in.u8(); // metadata hash
        return Calls.decode(METADATA, in).choice().at(0).choice().name();
    }

    private static Metadata metadata() {
        try {
            return MetadataReader.read(
                    "embedded runtime", Runtime.embedded().blob(15).orElseThrow());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        relay.close();
        direct.close();
        server.close();
        chain.close();
    }
}
