package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import sn9.chain.scale.Era;
import sn9.chain.scale.ExtrinsicFormat;
import sn9.chain.scale.RuntimeEvents;
import sn9.chain.scale.SigningContext;
import sn9.chain.scale.Value;
import sn9.wallet.Keypair;

/** A chain under a clock that stands still, a miner in slot 0, a validator in slot 1, and extrinsics signed for it. */
public final class ChainFixture implements AutoCloseable {
    public static final Value NETUID = Value.of(9);

    public final Keypair alice = Keypair.fromUri("//Alice");
    public final Keypair miner = Keypair.fromUri("//Bob//hk");
    public final Keypair validator = Keypair.fromUri("//Alice//hk");
    public final Path file;
    public final EmbeddedChain chain;
    public Instant now = Instant.parse("2026-01-01T00:00:00Z");

    public ChainFixture(Path folder) throws IOException {
        this(folder, LocalChainParameters.defaults().withTempo(20));
    }

    public ChainFixture(Path folder, LocalChainParameters parameters) throws IOException {
        file = folder.resolve("chain.db");
        InstantSource clock = () -> now;
        EmbeddedChain.createIfAbsent(file, parameters, now);
        chain = EmbeddedChain.open(file, clock);
        chain.register(miner.publicKey(), Keypair.fromUri("//Bob").publicKey(), 0);
        chain.register(validator.publicKey(), alice.publicKey(), 1000);
        chain.advance(1);
    }

    /** A signed extrinsic with the next nonce, mortal for 64 blocks from the latest on. */
    public byte[] sign(Keypair who, Value call) throws IOException {
        return sign(who, call, nonce(who));
    }

    public byte[] sign(Keypair who, Value call, long nonce) throws IOException {
        Block best = chain.best();
        Era era = Era.mortal(64, best.number());
        byte[] birth = chain.block(era.birth(best.number())).orElseThrow().hash();
        return sign(who, call, nonce, era, birth, chain.block(0).orElseThrow().hash());
    }

    public byte[] sign(Keypair who, Value call, long nonce, Era era, byte[] eraHash, byte[] genesis)
            throws IOException {
        Runtime runtime = Runtime.embedded();
        var format = new ExtrinsicFormat(runtime.metadata());
        var context = new SigningContext(
                runtime.specVersion(), runtime.transactionVersion(), genesis, era, eraHash, nonce, BigInteger.ZERO);
        byte[] bytes = runtime.callBytes(call);
        return format.extrinsic(who.publicKey(), who.sign(format.bytesToSign(bytes, context)), bytes, context);
    }

    public long nonce(Keypair who) throws IOException {
        return chain.nonce(who.publicKey());
    }

    public long free(Keypair who) throws IOException {
        return chain.balance(who.publicKey());
    }

    public <T> T now(EmbeddedChain.Look<T> look) throws IOException {
        return chain.lookNow(look);
    }

    /** Signs, submits, makes the block, and gives the names of the extrinsic's events; a failure is named by its error. */
    public List<String> run(Keypair who, Value call) throws IOException, InvalidExtrinsicException {
        long block = chain.submit(sign(who, call)).orElseThrow();
        chain.advance(1);
        return events(block);
    }

    /** The names of a block's events behind that of the time; of a failure, its error. */
    public List<String> events(long number) throws IOException {
        Block block = chain.block(number).orElseThrow();
        Value events = chain.look(block, state -> state.get("System.Events"));
        List<String> names = new ArrayList<>();
        for (var event : RuntimeEvents.read(events)) {
            boolean failed = event.name().equals("ExtrinsicFailed");
            names.add(
                    failed
                            ? RuntimeEvents.errorName(
                                    Runtime.embedded().metadata(),
                                    event.fields().at(0))
                            : event.pallet() + "." + event.name());
        }
        return names.subList(1, names.size());
    }

    /** What is stored now. */
    public Optional<Value> stored(String item, Value... keys) throws IOException {
        return chain.lookNow(state -> state.find(item, keys));
    }

    public static Value call(String pallet, String call, Object... arguments) {
        return Value.choice(pallet, new Value.Choice(call, Value.struct(arguments)));
    }

    public static Value commitment(String text) {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        Value data = Value.choice("Raw" + bytes.length, Value.of(bytes));
        Value info = Value.struct("fields", Value.items(data));
        return call("Commitments", "set_commitment", "netuid", NETUID, "info", info);
    }

    public static Value weights(int version, int[] uids, int[] values) {
        return call(
                "SubtensorModule",
                "set_weights",
                "netuid",
                NETUID,
                "dests",
                Value.numbers(uids),
                "weights",
                Value.numbers(values),
                "version_key",
                Value.of(version));
    }

    /** A call for root, signed by Alice. */
    public static Value sudo(Value call) {
        return call("Sudo", "sudo", "call", call);
    }

    @Override
    public void close() throws IOException {
        chain.close();
    }
}
