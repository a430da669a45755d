package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;
import sn9.localnet.chain.EmbeddedChain;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.rpc.ChainServer;
import sn9.localnet.rpc.ChainSettings;
import sn9.wallet.Ss58;

/** Metagraph and commitments of a subnet, every hotkey with a commitment of full length, slots taken up to all there are. */
@Timeout(120)
class WholeSubnetTest {
    private static final int NETUID = 9;

    @TempDir
    Path net;

    @Test
    void readsSomeSlotsInAHandfulOfRequests() throws Exception {
        readInAHandfulOfRequests(40);
    }

    @Test
    @Tag("slow")
    void readsAllSlotsInAsManyRequests() throws Exception {
        readInAHandfulOfRequests(LocalChainParameters.defaults().maxUids());
    }

    private void readInAHandfulOfRequests(int slots) throws Exception {
        fill(slots);
        try (var server = ChainServer.start(net, 0, ChainSettings.USUAL);
                var reader = new SubnetReader(
                        List.of(server.address().toString()), Optional.empty(), NETUID, RpcSettings.standard())) {
            reader.snapshot(); // connects and reads the metadata
            var requests = new ListAppender<ILoggingEvent>();
            var log = (Logger) LoggerFactory.getLogger(RpcConnection.class);
            log.setLevel(Level.TRACE);
            log.addAppender(requests);
            requests.start();
            SubnetReader.Snapshot subnet;
            try {
                subnet = reader.snapshot();
            } finally {
                log.detachAppender(requests);
                log.setLevel(null);
            }
            assertThat(requests.list)
                    .extracting(event -> event.getArgumentArray()[2])
                    .containsExactly(
                            "chain_getBlockHash",
                            "chain_getHeader",
                            "state_getRuntimeVersion",
                            "state_call",
                            "state_getKeysPaged",
                            "state_queryStorageAt");
            assertThat(subnet.metagraph().neurons()).hasSize(slots);
            assertThat(subnet.commitments()).hasSize(slots);
            for (var neuron : subnet.metagraph().neurons()) {
                assertThat(neuron.hotkey()).isEqualTo(Ss58.encode(hotkey(neuron.uid())));
                assertThat(neuron.validatorPermit()).isEqualTo(neuron.uid() == 0);
                assertThat(subnet.commitments().get(neuron.hotkey()).text()).isEqualTo(text(neuron.uid()));
            }
        }
    }

    private void fill(int slots) throws Exception {
        Path file = EmbeddedChain.file(net);
        EmbeddedChain.createIfAbsent(file, LocalChainParameters.defaults(), Instant.now());
        try (var chain = EmbeddedChain.open(file, InstantSource.system())) {
            byte[] coldkey = StorageHasher.blake2b(new byte[1], 32);
            for (int uid = 0; uid < slots; uid++) {
                byte[] text = text(uid).getBytes(StandardCharsets.UTF_8);
                var info = Value.struct("fields", Value.items(Value.choice("Raw" + text.length, Value.of(text))));
                var call = new Value.Choice("set_commitment", Value.struct("netuid", Value.of(NETUID), "info", info));
                chain.register(hotkey(uid), coldkey, uid == 0 ? 1000 : 0);
                chain.call(hotkey(uid), _ -> Value.choice("Commitments", call));
            }
            chain.advance(1);
        }
    }

    private static byte[] hotkey(int uid) {
        return StorageHasher.blake2b(new byte[] {(byte) uid, 1}, 32);
    }

    /** 128 bytes, as many as a commitment of one field holds. */
    private static String text(int uid) {
        return String.format("miner%03d:gpt2-%022d:%040x:%044d", uid, uid, uid, uid) + ".".repeat(6);
    }
}
