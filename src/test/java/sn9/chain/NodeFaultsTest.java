package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import sn9.RemoteCallException;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.Value;
import sn9.localnet.chain.LocalChainParameters;

/** Whole operations against a node that fails in the middle: they come back by themselves, or say what is wrong. */
@Timeout(120)
class NodeFaultsTest {
    private static final String TEXT = "org:model:" + "a".repeat(40) + ":" + "b".repeat(43) + "=";
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    Path net;

    @TempDir
    Path folder;

    /**
     * One answer that is spoiled.
     *
     * @param method whose first answer it is
     * @param spoiler what becomes of it; null is none
     * @param says what the client says of it; empty where it comes back by itself
     */
    record Case(String name, String method, UnaryOperator<ObjectNode> spoiler, String text, String says) {
        @Override
        public String toString() {
            return name;
        }

        FaultRelay.Fault fault() {
            var done = new AtomicInteger();
            return new FaultRelay.Fault() {
                @Override
                public Optional<String> message(FaultRelay.Link link, Optional<String> of, String message)
                        throws IOException {
                    if (!of.equals(Optional.of(method)) || done.getAndIncrement() > 0) {
                        return Optional.of(message);
                    }
                    return text != null
                            ? Optional.of(text)
                            : Optional.ofNullable(spoiler.apply((ObjectNode) FaultRelay.json(message)))
                                    .map(ObjectNode::toString);
                }
            };
        }
    }

    static Stream<Case> cases() {
        String huge = '"' + "x".repeat(RpcConnection.MAX_MESSAGE_BYTES + 1) + '"';
        return Stream.of(
                new Case("not JSON", "chain_getHeader", null, "<html>502 Bad Gateway</html>", ""),
                new Case("a huge frame", "chain_getHeader", null, huge, ""),
                new Case("another id", "state_getStorage", answer -> answer.put("id", 4711), null, ""),
                new Case("no id", "state_getStorage", answer -> answer.putNull("id"), null, ""),
                new Case("no answer", "state_getStorage", answer -> null, null, ""),
                new Case("neither result nor error", "chain_getHeader", answer -> answer.without("result"), null, ""),
                new Case(
                        "truncated SCALE",
                        "state_getStorage",
                        answer -> answer.put("result", "0x0102"),
                        null,
                        "Timestamp.Now at byte 0: ends too early"),
                new Case(
                        "no hexadecimal digits",
                        "state_getStorage",
                        answer -> answer.put("result", "0xzz"),
                        null,
                        "expected hexadecimal digits"),
                new Case(
                        "a block without a number",
                        "chain_getHeader",
                        answer -> (ObjectNode) answer.set("result", answer.objectNode()),
                        null,
                        "expected a whole number"),
                new Case(
                        "a nonce beyond all",
                        "system_accountNextIndex",
                        answer -> answer.put("result", Long.MAX_VALUE),
                        null,
                        "does not fit"),
                new Case(
                        "truncated metadata",
                        "state_call",
                        answer -> answer.put("result", "0x01106d6574"),
                        null,
                        "metadata"),
                new Case(
                        "metadata with loops",
                        "state_call",
                        answer -> answer.put("result", loops()),
                        null,
                        "has no storage item"));
    }

    /** Metadata of version 15 whose one type is a list of itself, and of no pallets. */
    private static String loops() {
        byte[] blob = new ScaleWriter()
                .bytes("meta".getBytes(StandardCharsets.US_ASCII))
                .u8(15)
                .bytes(new byte[] {4, 0, 0, 0, 2, 0, 0
                }) // one type: id 0, no path, no parameters, a list of type 0, no docs
                .compact(0) // pallets
                .bytes(new byte[] {4, 0, 0, 0, 0, 0}) // extrinsic 4: four types and no extensions
                .compact(0) // type of the runtime
                .compact(0) // runtime APIs
                .bytes(new byte[] {0, 0, 0}) // outer enums
                .compact(0) // custom values
                .toBytes();
        return Hex.of(new ScaleWriter().u8(1).byteList(blob).toBytes());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void oneSpoiledAnswerIsLivedThroughOrNamed(Case fault) throws Exception {
        try (var node = new ServedChain(net)) {
            node.relay.fault(fault.fault());
            try (var chain = node.client()) {
                var store = store(node, chain);
                if (!fault.says().isEmpty()) {
                    assertThatThrownBy(() -> store.commit(TEXT))
                            .isInstanceOf(ChainException.class)
                            .hasMessageContaining(fault.says());
                }
                assertThat(store.commit(TEXT).text()).isEqualTo(TEXT);
            }
            assertThat(node.included()).containsExactly("set_commitment");
        }
    }

    /** What happens to one message of a node. */
    enum Loss implements UnaryOperator<Optional<String>> {
        SWALLOWED {
            @Override
            public Optional<String> apply(Optional<String> message) {
                return Optional.empty();
            }
        },
        GARBLED {
            @Override
            public Optional<String> apply(Optional<String> message) {
                return message.map(text -> text.substring(0, text.length() / 2));
            }
        },
        CUT {
            @Override
            public Optional<String> apply(Optional<String> message) {
                return Optional.empty();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Loss.class)
    void anyMessageMayBeLost(Loss loss) throws Exception {
        lose(loss, loss.ordinal(), Loss.values().length);
    }

    @Tag("slow")
    @ParameterizedTest
    @EnumSource(Loss.class)
    void everyMessageMayBeLost(Loss loss) throws Exception {
        lose(loss, 0, 1);
    }

    /** A message of the node is lost, then a later one in another commitment; each text is committed, and once. */
    private void lose(Loss loss, int first, int step) throws Exception {
        try (var node = new ServedChain(net)) {
            node.root(Value.choice(
                    "Commitments", new Value.Choice("set_max_space", Value.struct("new_limit", Value.of(100_000)))));
            int lost = 0;
            boolean reached = true;
            for (int place = first; reached; place += step) {
                var messages = new AtomicInteger(-place);
                node.relay.fault(new FaultRelay.Fault() {
                    @Override
                    public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text) {
                        if (messages.getAndIncrement() != 0) {
                            return Optional.of(text);
                        }
                        if (loss == Loss.CUT) {
                            link.cut();
                        }
                        return loss.apply(Optional.of(text));
                    }
                });
                String text = TEXT.replace("model", "model" + place);
                try (var chain = impatient(node)) {
                    var store = store(node, chain);
                    try {
                        store.commit(text);
                    } catch (RemoteCallException e) {
                        assertThat(e.retryable()).as(e.getMessage()).isTrue();
                    }
                    reached = messages.get() > 0;
                    node.relay.fault(ServedChain.Manner.HONEST);
                    assertThat(store.commit(text).text()).isEqualTo(text);
                }
                lost++;
                assertThat(node.included()).hasSize(lost);
            }
            assertThat(lost * step).isGreaterThan(12);
        }
    }

    @Test
    void answersThatLeaveEntriesOutAreNotTakenForFewerEntries() throws Exception {
        try (var node = new ServedChain(net);
                var chain = node.client()) {
            store(node, chain).commit(TEXT);
            var keys = new Case("", "state_getKeysPaged", answer -> answer.putNull("result"), null, "");
            var values = new Case(
                    "",
                    "state_queryStorageAt",
                    answer -> (ObjectNode) answer.set("result", answer.arrayNode()),
                    null,
                    "");
            var none = new Case(
                    "",
                    "state_queryStorageAt",
                    answer -> {
                        ((ArrayNode) answer.at("/result/0/changes/0")).setNull(1);
                        return answer;
                    },
                    null,
                    "");
            node.relay.fault(keys.fault());
            assertThatThrownBy(() -> store(node, chain).commitments()).hasMessageContaining("expected a list");
            node.relay.fault(values.fault());
            assertThatThrownBy(() -> store(node, chain).commitments()).hasMessageContaining("says nothing of key");
            node.relay.fault(none.fault());
            assertThatThrownBy(() -> store(node, chain).commitments()).hasMessageContaining("nothing is stored");
            assertThat(store(node, chain).commitments()).hasSize(1);
        }
    }

    /** Both nodes of an address list are the same one; behind the relay it is forty blocks late. */
    @Test
    void aNodeThatLagsBehindIsLeft() throws Exception {
        try (var node = new ServedChain(net);
                var chain =
                        new ChainClient(List.of(node.address(), node.node()), Optional.empty(), ServedChain.QUICK)) {
            long block = chain.head().number();
            node.relay.fault(lagging());
            assertThat(chain.head().number()).isEqualTo(block);
            try (var only = node.client()) {
                node.relay.fault(ServedChain.Manner.HONEST);
                only.head();
                node.relay.fault(lagging());
                assertThatThrownBy(only::head)
                        .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                                .isTrue())
                        .hasMessageContaining("lags behind: it is at block 1, block " + block);
            }
        }
    }

    /** The runtime that a commitment was signed for is gone when it arrives. */
    @Test
    void whatWasSignedForARuntimeBeforeTheUpgradeIsSignedAnew() throws Exception {
        try (var node = new ServedChain(net);
                var chain = node.client()) {
            node.relay.fault(upgrade());
            assertThatThrownBy(() -> store(node, chain).commit(TEXT))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isTrue())
                    .hasMessageContaining("signed for version 392 of the runtime, which has been upgraded to 393")
                    .hasMessageContaining("commit again");
            assertThat(folder.resolve("commit.json")).doesNotExist();
            assertThat(store(node, chain).commit(TEXT).text()).isEqualTo(TEXT);
            assertThat(node.included()).containsExactly("set_commitment");

            node.relay.fault(upgrade());
            var weights = new Weights(
                    node::client,
                    ServedChain.NETUID,
                    node.validator,
                    new RevealJournal(folder.resolve("reveals.json")),
                    PATIENCE);
            int[] own = {1};
            int[] all = {65_535};
            assertThatThrownBy(() -> weights.set(own, all, 0))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isTrue());
            weights.set(own, all, 0);
            assertThat(node.included()).containsExactly("set_commitment", "set_weights");
        }
    }

    /** A node of version 392 until something is submitted to it, of the true one from then on. */
    private static FaultRelay.Fault upgrade() {
        var submitted = new AtomicInteger();
        return new FaultRelay.Fault() {
            @Override
            public boolean request(FaultRelay.Link link, JsonNode request) {
                if (request.get("method").asText().equals("author_submitAndWatchExtrinsic")) {
                    submitted.incrementAndGet();
                }
                return true;
            }

            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text)
                    throws IOException {
                JsonNode answer = FaultRelay.json(text);
                if (submitted.get() == 0 && method.equals(Optional.of("state_getRuntimeVersion"))) {
                    ((ObjectNode) answer.get("result")).put("specVersion", 392);
                }
                return Optional.of(answer.toString());
            }
        };
    }

    @Test
    void answersThatComeByteByByteAreWaitedForUntilTheirTimeIsOver() throws Exception {
        try (var node = new ServedChain(net);
                var proxy = new FaultProxy(node.node())) {
            var slow = new RpcSettings(
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(60),
                    Duration.ofMillis(20),
                    Duration.ofMillis(100));
            try (var chain = new ChainClient(List.of(proxy.address()), Optional.empty(), slow)) {
                chain.head();
                proxy.mode(FaultProxy.Mode.TRICKLE);
                var store =
                        new CommitmentStore(chain, ServedChain.NETUID, node.miner, journal(), Duration.ofSeconds(60));
                assertThat(store.commit(TEXT).text()).isEqualTo(TEXT);
            }
            var quick = new RpcSettings(
                    Duration.ofSeconds(5),
                    Duration.ofMillis(200),
                    Duration.ofMillis(600),
                    Duration.ofMillis(20),
                    Duration.ofMillis(100));
            try (var chain = new ChainClient(List.of(proxy.address()), Optional.empty(), quick)) {
                assertThatThrownBy(chain::head)
                        .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                                .isTrue())
                        .hasMessageMatching(".*(given up after|no answer within|no time is left).*");
            }
            assertThat(node.included()).containsExactly("set_commitment");
        }
    }

    /** Extrinsics live by block numbers and patience by the monotonic clock, so that a wrong time of day is but told. */
    @ParameterizedTest
    @ValueSource(ints = {-3, 0, 3})
    void aClockThatIsWrongIsToldAndHindersNothing(int hoursAhead) throws Exception {
        var log = (Logger) LoggerFactory.getLogger(Heads.class);
        var events = new ListAppender<ILoggingEvent>();
        events.start();
        log.addAppender(events);
        try (var node = new ServedChain(net, LocalChainParameters.defaults().withTempo(20), () -> Instant.now()
                        .minus(Duration.ofHours(hoursAhead)));
                var chain = node.client()) {
            assertThat(store(node, chain).commit(TEXT).text()).isEqualTo(TEXT);
        } finally {
            log.detachAppender(events);
        }
        var warnings = events.list.stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(line -> line.contains("event=chain_clock"))
                .toList();
        switch (hoursAhead) {
            case 0 -> assertThat(warnings).isEmpty();
            case 3 -> assertThat(warnings).isNotEmpty().allMatch(line -> line.contains("clock is fast, or the chain"));
            default -> assertThat(warnings).isNotEmpty().allMatch(line -> line.contains("clock is slow; set it"));
        }
    }

    private static FaultRelay.Fault lagging() {
        return new FaultRelay.Fault() {
            @Override
            public Optional<String> message(FaultRelay.Link link, Optional<String> method, String text)
                    throws IOException {
                JsonNode answer = FaultRelay.json(text);
                if (method.equals(Optional.of("chain_getHeader"))) {
                    ((ObjectNode) answer.get("result")).put("number", "0x1");
                }
                return Optional.of(answer.toString());
            }
        };
    }

    private static ChainClient impatient(ServedChain node) {
        var settings = new RpcSettings(
                Duration.ofSeconds(5),
                Duration.ofMillis(150),
                Duration.ofSeconds(4),
                Duration.ofMillis(10),
                Duration.ofMillis(50));
        return new ChainClient(List.of(node.address()), Optional.empty(), settings);
    }

    private CommitmentStore store(ServedChain node, ChainClient chain) {
        return new CommitmentStore(chain, ServedChain.NETUID, node.miner, journal(), PATIENCE);
    }

    private CommitJournal journal() {
        return new CommitJournal(folder.resolve("commit.json"));
    }
}
