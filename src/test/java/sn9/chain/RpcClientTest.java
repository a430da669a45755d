package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import okio.ByteString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import sn9.RemoteCallException;

/** Faults of a node: the client comes back by itself, or says what is wrong within its time. */
@Timeout(60)
class RpcClientTest {
    private static final RpcSettings QUICK = new RpcSettings(
            Duration.ofSeconds(5),
            Duration.ofSeconds(1),
            Duration.ofSeconds(10),
            Duration.ofMillis(20),
            Duration.ofMillis(100));

    private static final Duration LITTLE = Duration.ofMillis(1_200);

    private ScriptedNode node;
    private ScriptedNode other;

    @BeforeEach
    void start() throws IOException {
        node = new ScriptedNode().on("system_chain", call -> call.answer("first"));
        other = new ScriptedNode().on("system_chain", call -> call.answer("second"));
    }

    @AfterEach
    void stop() {
        node.close();
        other.close();
    }

    @Test
    void asksTheFirstEndpointOverOneConnection() throws Exception {
        try (var rpc = both()) {
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("first");
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("first");
        }
        assertThat(node.connections()).isEqualTo(1);
        assertThat(other.connections()).isZero();
    }

    @Test
    void anErrorIsAnAnswerAndIsNotRepeated() throws Exception {
        node.on("system_chain", call -> call.error(1010, "Invalid Transaction", "Custom error: 11"));
        try (var rpc = both()) {
            assertThatThrownBy(() -> rpc.call(patience(), "system_chain"))
                    .isInstanceOfSatisfying(RpcErrorException.class, e -> {
                        assertThat(e.code()).isEqualTo(1010);
                        assertThat(e.custom()).hasValue(11);
                    })
                    .hasMessageContaining("not public");
        }
        assertThat(other.connections()).isZero();
    }

    @Test
    void leavesANodeThatIsSilent() throws Exception {
        node.fault(call -> {});
        assertThat(ask()).isEqualTo("second");
    }

    @Test
    void leavesANodeThatSendsWhatIsNotJson() throws Exception {
        node.fault(call -> call.send("<html>502 Bad Gateway</html>"));
        assertThat(ask()).isEqualTo("second");
    }

    @Test
    void leavesANodeThatAnswersOtherIds() throws Exception {
        node.fault(call -> {
            call.send("{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":\"wrong\"}");
            call.send("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":\"none\"}");
            call.send("[]");
            call.send("17");
        });
        assertThat(ask()).isEqualTo("second");
    }

    @Test
    void leavesANodeThatClosesTheConnection() throws Exception {
        node.fault(call -> call.socket().close(1001, "restarting"));
        assertThat(ask()).isEqualTo("second");
    }

    @Test
    void leavesANodeThatSendsBytes() throws Exception {
        node.fault(call -> call.socket().send(ByteString.encodeUtf8("{}")));
        assertThat(ask()).isEqualTo("second");
    }

    @Test
    void neverHoldsAMessageOfAnySize() throws Exception {
        String quarter = "x".repeat(4 << 20);
        node.fault(call -> {
            for (int i = 0; i < 4; i++) {
                call.send("\"" + quarter + "\"");
            }
            call.answer("x".repeat(RpcConnection.MAX_MESSAGE_BYTES + 1));
        });
        assertThat(ask()).isEqualTo("second");
    }

    @Test
    void comesBackAfterTheNodeDid() throws Exception {
        try (var rpc = only(node)) {
            rpc.call(patience(), "system_chain");
            node.cut();
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("first");
        }
        assertThat(node.connections()).isEqualTo(2);
    }

    @Test
    void comesBackWhenTheConnectionIsCutOrGoesDumb() throws Exception {
        try (var proxy = new FaultProxy(node.address());
                var rpc = new RpcClient(List.of(proxy.address()), Optional.empty(), QUICK)) {
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("first");
            proxy.cut();
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("first");
            proxy.mode(FaultProxy.Mode.REFUSE);
            proxy.cut();
            var back = Thread.startVirtualThread(() -> {
                try {
                    Thread.sleep(300);
                    proxy.mode(FaultProxy.Mode.PASS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("first");
            back.join();
            proxy.mode(FaultProxy.Mode.TRICKLE);
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("first");
            proxy.mode(FaultProxy.Mode.DUMB);
            assertThatThrownBy(() -> rpc.call(Deadline.in(LITTLE), "system_chain"))
                    .hasMessageMatching(".*(no (answer|connection) within|cannot connect: timeout).*");
        }
    }

    @Test
    void saysWhatIsWrongWithinItsPatience() throws Exception {
        node.fault(call -> {});
        try (var rpc = only(node)) {
            assertThatThrownBy(() -> rpc.call(Deadline.in(LITTLE), "system_chain"))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isTrue())
                    .hasMessageMatching(".*given up after \\d+ ms.*no (answer|connection) within \\d+ ms");
        }
    }

    @Test
    void passesOverAnEndpointWhereNobodyListens() throws Exception {
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        try (var rpc = new RpcClient(List.of("ws://127.0.0.1:" + port, other.address()), Optional.empty(), QUICK)) {
            assertThat(rpc.connection(patience()).endpoint()).isEqualTo(other.address());
        }
    }

    @Test
    void saysThatNobodyListens() throws Exception {
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        try (var rpc = new RpcClient(List.of("ws://127.0.0.1:" + port), Optional.empty(), QUICK)) {
            assertThatThrownBy(() -> rpc.call(Deadline.in(LITTLE), "system_chain"))
                    .hasMessageContaining("cannot connect")
                    .hasMessageContaining(":" + port);
        }
    }

    @Test
    void aPeerThatNeverUpgradesIsLeftInTime() throws Exception {
        try (var deaf = new ServerSocket(0);
                var rpc = new RpcClient(
                        List.of("ws://127.0.0.1:" + deaf.getLocalPort(), other.address()),
                        Optional.empty(),
                        new RpcSettings(
                                Duration.ofMillis(500),
                                QUICK.call(),
                                QUICK.patience(),
                                QUICK.firstPause(),
                                QUICK.longestPause()))) {
            assertThat(rpc.call(patience(), "system_chain").asText()).isEqualTo("second");
        }
    }

    @Test
    void refusesAnotherChain() throws Exception {
        try (var rpc = new RpcClient(List.of(node.address()), Optional.of("0x" + "2f".repeat(32)), QUICK)) {
            assertThatThrownBy(() -> rpc.call(patience(), "system_chain"))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isFalse())
                    .hasMessageContaining("another chain");
        }
    }

    @Test
    void refusesWhatIsNoAddress() {
        try (var rpc = new RpcClient(List.of("https://entrypoint-finney.opentensor.ai"), Optional.empty(), QUICK)) {
            assertThatThrownBy(() -> rpc.call(patience(), "system_chain"))
                    .isInstanceOfSatisfying(RemoteCallException.class, e -> assertThat(e.retryable())
                            .isFalse())
                    .hasMessageContaining("wss://HOST:PORT");
        }
    }

    @Test
    void notificationsBeforeTheAnswerAreKeptInOrder() throws Exception {
        node.on("author_submitAndWatchExtrinsic", call -> {
            call.notify("abc", "ready");
            call.notify("other", "ready");
            call.notify("abc", "second");
            call.answer("abc");
            call.notify("abc", "third");
        });
        try (var rpc = only(node)) {
            var watch = rpc.connection(patience()).subscribe(QUICK.call(), "author_submitAndWatchExtrinsic");
            for (String expected : List.of("ready", "second", "third")) {
                assertThat(watch.next(QUICK.call()).orElseThrow().asText()).isEqualTo(expected);
            }
            assertThat(watch.next(Duration.ofMillis(50))).isEmpty();
            node.cut();
            assertThatThrownBy(() -> watch.next(QUICK.call())).isInstanceOf(ChainException.class);
        }
    }

    /** A node could have us keep thousands of notifications that nobody has asked for. */
    @Test
    void aHugeNotificationEndsTheConnection() throws Exception {
        node.fault(call -> {
            call.notify("nobody's", "x".repeat(70_000));
            call.answer("first");
        });
        assertThat(ask()).isEqualTo("second");
    }

    @Test
    void callsOfSeveralThreadsDoNotMix() throws Exception {
        node.on("echo", call -> call.answer(call.parameter(0)));
        try (var rpc = only(node)) {
            var threads = new ArrayList<Thread>();
            var wrong = new ConcurrentLinkedQueue<String>();
            for (int i = 0; i < 20; i++) {
                int number = i;
                threads.add(Thread.startVirtualThread(() -> {
                    try {
                        for (int j = 0; j < 20; j++) {
                            if (rpc.call(patience(), "echo", number * 100 + j).asInt() != number * 100 + j) {
                                wrong.add("an answer to " + number);
                            }
                        }
                    } catch (RemoteCallException | InterruptedException e) {
                        wrong.add(e.toString());
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(wrong).isEmpty();
        }
    }

    private static Deadline patience() {
        return Deadline.in(QUICK.patience());
    }

    private String ask() throws RemoteCallException, InterruptedException {
        try (var rpc = both()) {
            return rpc.call(patience(), "system_chain").asText();
        }
    }

    private RpcClient both() {
        return new RpcClient(List.of(node.address(), other.address()), Optional.empty(), QUICK);
    }

    private static RpcClient only(ScriptedNode node) {
        return new RpcClient(List.of(node.address()), Optional.empty(), QUICK);
    }
}
