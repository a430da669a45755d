package sn9.localnet.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.chain.LocalChainParameters;

class ChainServerTest {
    private static final LocalIdentity MINER = LocalIdentity.of("miner", "default");

    @TempDir
    Path net;

    private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();

    @Test
    void aClientIsToldOfWhatIsWrittenInProcess() throws Exception {
        LocalChain.open(net, MINER, LocalChainParameters.defaults(), InstantSource.system())
                .close();
        try (ChainServer server = ChainServer.start(net, 0, ChainSettings.USUAL);
                HttpClient http = HttpClient.newHttpClient();
                LocalChain chain = LocalChain.openExisting(net, MINER, InstantSource.system())) {
            assertThat(server.address().toString()).startsWith("ws://127.0.0.1:");
            WebSocket socket = open(http, server.address());
            send(socket, "chain_subscribeNewHeads");
            frames.take();
            frames.take();
            chain.register(MINER, 0);
            long block = chain.commit("seen").block();
            chain.advance(1);
            JsonNode head = next().at("/params/result");
            assertThat(Long.decode(head.get("number").textValue())).isEqualTo(block);
            assertThat(chain.advance(3)).isEqualTo(block + 4);
            for (int i = 1; i <= 3; i++) {
                assertThat(Long.decode(next().at("/params/result/number").textValue()))
                        .isEqualTo(block + i);
            }
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
        }
    }

    @Test
    void questionsMayComeByHttpAndSubscriptionsMayNot() throws Exception {
        LocalChain.open(net, MINER).close();
        try (ChainServer server = ChainServer.start(net, 0, ChainSettings.USUAL);
                HttpClient http = HttpClient.newHttpClient()) {
            assertThat(post(http, server, request("system_chain")).get("result").textValue())
                    .isEqualTo("sn9 localnet");
            assertThat(post(http, server, request("chain_subscribeNewHeads"))
                            .at("/error/code")
                            .asInt())
                    .isEqualTo(-32_006);
            assertThat(post(http, server, "nonsense").at("/error/code").asInt()).isEqualTo(-32_700);
        }
    }

    @Test
    void aFrameThatIsTooLongEndsItsConnectionOnly() throws Exception {
        LocalChain.open(net, MINER).close();
        try (ChainServer server = ChainServer.start(net, 0, ChainSettings.USUAL);
                HttpClient http = HttpClient.newHttpClient()) {
            WebSocket socket = open(http, server.address());
            socket.sendText("[".repeat(Json.MAX_FRAME_BYTES + 1), true);
            assertThat(frames.poll(30, TimeUnit.SECONDS)).isIn("closed", "failed");
            assertThat(post(http, server, request("system_chain")).has("result"))
                    .isTrue();
        }
    }

    @Test
    void aNetworkThatIsNotThereIsNotMade() {
        assertThatThrownBy(() -> ChainServer.start(net, 0, ChainSettings.USUAL))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no local network");
        assertThatThrownBy(() -> new ChainSettings(false, -1)).isInstanceOf(IllegalArgumentException.class);
    }

    private WebSocket open(HttpClient http, URI address) {
        return http.newWebSocketBuilder()
                .buildAsync(address, new WebSocket.Listener() {
                    private final StringBuilder frame = new StringBuilder();

                    @Override
                    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
                        frame.append(data);
                        if (last) {
                            frames.add(frame.toString());
                            frame.setLength(0);
                        }
                        socket.request(1);
                        return null;
                    }

                    @Override
                    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
                        frames.add("closed");
                        return null;
                    }

                    @Override
                    public void onError(WebSocket socket, Throwable error) {
                        frames.add("failed");
                    }
                })
                .join();
    }

    private static void send(WebSocket socket, String method) {
        socket.sendText(request(method), true).join();
    }

    private static JsonNode post(HttpClient http, ChainServer server, String body) throws Exception {
        URI address = URI.create(server.address().toString().replaceFirst("^ws", "http") + "/");
        var request = HttpRequest.newBuilder(address)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        return Json.MAPPER.readTree(
                http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    }

    private JsonNode next() throws Exception {
        String frame = frames.poll(30, TimeUnit.SECONDS);
        assertThat(frame).isNotNull();
        return Json.MAPPER.readTree(frame);
    }

    private static String request(String method) {
        return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + method + "\",\"params\":[]}";
    }
}
