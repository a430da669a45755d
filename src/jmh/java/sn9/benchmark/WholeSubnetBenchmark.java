package sn9.benchmark;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import sn9.RemoteCallException;
import sn9.chain.RpcSettings;
import sn9.chain.SubnetReader;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;

/** Metagraph and commitments of a subnet whose 256 slots are taken, from the embedded chain over loopback. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class WholeSubnetBenchmark {
    private static final LocalChainParameters PARAMETERS = LocalChainParameters.defaults();

    private ChainServer server;
    private SubnetReader reader;

    /** Fills the slots. */
    @Setup
    public void fill() throws Exception {
        Path net = Files.createTempDirectory("whole-subnet");
        Path file = EmbeddedChain.file(net);
        EmbeddedChain.createIfAbsent(file, PARAMETERS, Instant.now());
        try (var chain = EmbeddedChain.open(file, InstantSource.system())) {
            for (int uid = 0; uid < PARAMETERS.maxUids(); uid++) {
                byte[] hotkey = StorageHasher.blake2b(new byte[] {(byte) uid}, 32);
                byte[] text = String.format("miner%03d:gpt2:%040x:%044d", uid, uid, uid)
                        .getBytes(StandardCharsets.UTF_8);
                var info = Value.struct("fields", Value.items(Value.choice("Raw" + text.length, Value.of(text))));
                var arguments = Value.struct("netuid", Value.of(PARAMETERS.netuid()), "info", info);
                chain.register(hotkey, hotkey, 0);
                chain.call(hotkey, _ -> Value.choice("Commitments", new Value.Choice("set_commitment", arguments)));
            }
            chain.advance(1);
        }
        server = ChainServer.start(net, 0, ChainSettings.USUAL);
        reader = reader();
        if (snapshot().commitments().size() != PARAMETERS.maxUids()) {
            throw new IllegalStateException("not all commitments were read");
        }
    }

    /** Stops the server. */
    @TearDown
    public void stop() throws IOException {
        reader.close();
        server.close();
    }

    /** As a neuron does again and again. */
    @Benchmark
    public SubnetReader.Snapshot snapshot() throws RemoteCallException, InterruptedException {
        return reader.snapshot();
    }

    /** As a command does: with a connection of its own, and the runtime's metadata. */
    @Benchmark
    public SubnetReader.Snapshot first() throws RemoteCallException, InterruptedException {
        try (var fresh = reader()) {
            return fresh.snapshot();
        }
    }

    private SubnetReader reader() {
        return new SubnetReader(
                List.of(server.address().toString()), Optional.empty(), PARAMETERS.netuid(), RpcSettings.standard());
    }
}
