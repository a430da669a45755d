package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sn9.chain.scale.Value;
import sn9.subnet.Metagraph;
import sn9.wallet.Ss58;

/** The client over what a genuine runtime answered. */
@Timeout(60)
class RecordedNodeTest {
    private static final RpcSettings QUICK = new RpcSettings(
            Duration.ofSeconds(5),
            Duration.ofSeconds(2),
            Duration.ofSeconds(4),
            Duration.ofMillis(20),
            Duration.ofMillis(100));

    private static final String VALIDATOR = "5Gy1LKtRbh3WPjjLqBAwhLf6qYbDnYEkY1YVDRuhxNKRPpAf";
    private static final String MINER = "5D2FPLtZVpSYjpyCwmrkw4PRxVYMgMUifV3YdRdA59T1NaAH";

    private RecordedNode recorded;
    private ChainClient chain;

    @BeforeEach
    void start() throws IOException {
        recorded = new RecordedNode();
        chain = new ChainClient(List.of(recorded.node.address()), Optional.empty(), QUICK);
    }

    @AfterEach
    void stop() {
        if (recorded != null) {
            chain.close();
            recorded.node.close();
        }
    }

    @Test
    void everyRecordedStorageValueReadsAsItWasDecoded() throws Exception {
        var view = chain.head();
        assertThat(view.number()).isEqualTo(108);
        assertThat(view.number("SubtensorModule", "Tempo", Value.of(9))).isEqualTo(10);
        assertThat(view.number("Commitments", "MaxSpace")).isEqualTo(3100);
        assertThat(view.storage("SubtensorModule", "Uids", Value.of(9), key(MINER)))
                .contains(Value.of(1));
        assertThat(view.storage("SubtensorModule", "Uids", Value.of(9), Value.of(new byte[32])))
                .isEmpty();
        assertThat(view.storage("SubtensorModule", "Weights", Value.of(9), Value.of(0)))
                .contains(
                        Value.items(Value.items(Value.of(0), Value.of(0)), Value.items(Value.of(1), Value.of(65_535))));
        int seen = 0;
        for (JsonNode exchange : recorded.recording.get("exchanges")) {
            if (exchange.get("method").asText().equals("state_getStorage")
                    && exchange.get("result").isTextual()) {
                assertThat(recorded.state)
                        .containsEntry(
                                exchange.get("params").get(0).asText(),
                                exchange.get("result").asText());
                seen++;
            }
        }
        assertThat(seen).isGreaterThan(20);
    }

    @Test
    void theMetagraphIsTheSameByRuntimeApiAndByStorage() throws Exception {
        Metagraph byApi = Metagraphs.read(chain.head(), 9);
        assertThat(byApi.block()).isEqualTo(108);
        assertThat(byApi.neurons()).hasSize(2);
        var validator = byApi.find(VALIDATOR).orElseThrow();
        assertThat(validator.uid()).isZero();
        assertThat(validator.stake()).isEqualTo(7.748997045);
        assertThat(validator.validatorPermit()).isTrue();
        assertThat(validator.lastUpdate()).isEqualTo(68);
        assertThat(byApi.find(MINER).orElseThrow().incentive()).isEqualTo(1);

        recorded.hasV15 = false;
        try (var old = new ChainClient(List.of(recorded.node.address()), Optional.empty(), QUICK)) {
            assertThat(Metagraphs.read(old.head(), 9)).isEqualTo(byApi);
        }
    }

    @Test
    void runtimeApisAreReadByTheirTypes() throws Exception {
        var view = chain.head();
        for (String method : List.of(
                "NeuronInfoRuntimeApi_get_neurons",
                "SubnetInfoRuntimeApi_get_metagraph",
                "SubnetInfoRuntimeApi_get_subnet_hyperparams",
                "SubnetInfoRuntimeApi_get_subnet_info_v2")) {
            assertThat(view.api(method, Value.of(9)).items()).as(method).isNotEmpty();
        }
        var neuron = view.api("NeuronInfoRuntimeApi_get_neuron_lite", Value.of(9), Value.of(1))
                .optional()
                .orElseThrow();
        assertThat(neuron.field("hotkey")).isEqualTo(key(MINER));
        assertThat(neuron.field("axon_info").field("port").natural()).isEqualTo(8091);
        var metagraph = view.api("SubnetInfoRuntimeApi_get_metagraph", Value.of(9))
                .optional()
                .orElseThrow();
        assertThat(metagraph.field("num_uids").natural()).isEqualTo(2);
        assertThat(view.api("AccountNonceApi_account_nonce", key(VALIDATOR))).isEqualTo(Value.of(10));
    }

    @Test
    void allCommitmentsAreReadInAFewRequests() throws Exception {
        var store = new CommitmentStore(chain, 9, null, null, Duration.ofSeconds(2));
        chain.head();
        int before = recorded.node.called().size();
        var commitments = store.commitments();
        assertThat(commitments).containsOnlyKeys(MINER);
        assertThat(commitments.get(MINER).block()).isEqualTo(26);
        assertThat(commitments.get(MINER).text()).startsWith("my-org/my-model:0123456789abcdef");
        assertThat(store.commitment(VALIDATOR)).isEmpty();
        assertThat(store.commitment(MINER)).contains(commitments.get(MINER));
        assertThat(recorded.node.called().size() - before).isLessThan(16);
    }

    @Test
    void aSubnetThatDoesNotExistIsSaidSo() {
        recorded.node.on("state_call", call -> {
            if (call.parameter(0).asText().startsWith("Metadata")) {
                call.error(4003, "not found", null);
            } else {
                call.answer("0x00");
            }
        });
        assertThatThrownBy(() -> Metagraphs.read(chain.head(), 77)).hasMessageContaining("no subnet 77");
    }

    @Test
    void aRuntimeUpgradeBringsNewMetadata() throws Exception {
        assertThat(chain.head().hasCall("SubtensorModule", "set_mechanism_weights"))
                .isFalse();
        recorded.specVersion = 393;
        recorded.metadataFile = "metadata-finney-v16-spec393.scale";
        var upgraded = chain.head();
        assertThat(upgraded.runtime().specVersion()).isEqualTo(393);
        assertThat(upgraded.hasCall("SubtensorModule", "set_mechanism_weights")).isTrue();
    }

    @Test
    void recordedSubmissionsEndAsTheyDid() throws Exception {
        var extrinsics = new Extrinsics(chain, Duration.ofSeconds(2));
        int included = 0;
        for (JsonNode entry : recorded.recording.get("extrinsics")) {
            if (!entry.has("blockHash")) {
                continue;
            }
            byte[] bytes = Hex.bytes("extrinsic", entry.get("extrinsic"));
            recorded.state.put(
                    "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7",
                    entry.get("eventsHex").asText());
            recorded.node.on("chain_getBlock", call -> call.answer(entry.get("block")));
            recorded.node.on("author_submitAndWatchExtrinsic", call -> {
                call.answer("watch");
                call.notify("watch", "ready");
                call.notify("watch", Map.of("broadcast", List.of("peer")));
                call.notify("watch", Map.of("inBlock", entry.get("blockHash")));
                call.notify("watch", Map.of("finalized", entry.get("blockHash")));
            });
            var fate = extrinsics.submit(new SignedExtrinsic(bytes, new byte[32], 0, 0, 1000, 293), true);
            assertThat(fate).isInstanceOfSatisfying(Fate.Included.class, done -> {
                assertThat(done.block()).isEqualTo(entry.get("blockNumber").asLong());
                String name = entry.path("dispatchError").path("name").asText("");
                assertThat(done.error().orElse("")).endsWith(name);
                assertThat(done.error().isPresent()).isEqualTo(entry.has("dispatchError"));
            });
            assertThat(new SignedExtrinsic(bytes, new byte[32], 0, 0, 1000, 293).hash())
                    .isEqualTo(entry.get("submitResult").asText());
            included++;
        }
        assertThat(included).isEqualTo(9);
    }

    @Test
    void poolRefusalsAreNamedByNumber() throws Exception {
        var extrinsics = new Extrinsics(chain, Duration.ofSeconds(1));
        recorded.node.on(
                "author_submitAndWatchExtrinsic",
                call -> call.error(1010, "1010: {\"invalid\":{\"custom\":11}}", null));
        var extrinsic = new SignedExtrinsic(new byte[] {4, 0}, new byte[32], 0, 100, 1000, 293);
        assertThatThrownBy(() -> extrinsics.submit(extrinsic, false))
                .isInstanceOf(RpcErrorException.class)
                .hasMessageContaining("the IP address is not public");
    }

    private static Value key(String address) {
        return Value.of(Ss58.decode(address));
    }
}
