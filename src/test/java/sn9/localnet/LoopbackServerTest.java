package sn9.localnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LoopbackServerTest {
    @Test
    void answersRequestsAndSocketsUntilItIsClosed() throws Exception {
        URI address;
        try (var client = HttpClient.newHttpClient()) {
            try (var server = LoopbackServer.start(0, config -> {
                config.routes.get("/hello/{name}", ctx -> ctx.result("hello " + ctx.pathParam("name")));
                config.routes.ws("/", socket -> socket.onMessage(message -> message.send("not " + message.message())));
            })) {
                address = server.address();
                assertThat(get(client, address.resolve("/hello/refs%2Fpr%2F1"))).isEqualTo("hello refs/pr/1");
                assertThat(echo(client, URI.create("ws://" + address.getAuthority() + "/")))
                        .isEqualTo("not me");
            }
            assertThatExceptionOfType(ConnectException.class)
                    .isThrownBy(() -> get(client, address.resolve("/hello/you")));
        }
    }

    @Test
    void listensOnLoopbackOnly() throws Exception {
        try (var server = LoopbackServer.start(0, config -> {})) {
            assertThat(server.address().getHost()).isEqualTo("127.0.0.1");
            var others = NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .filter(address -> !address.isLoopbackAddress())
                    .toList();
            for (InetAddress other : others) {
                assertThatExceptionOfType(IOException.class)
                        .as("%s", other)
                        .isThrownBy(() -> new Socket(other, server.address().getPort()).close());
            }
        }
    }

    @Test
    void aTakenPortIsNamed() throws Exception {
        try (var server = LoopbackServer.start(0, config -> {})) {
            int port = server.address().getPort();
            assertThatThrownBy(() -> LoopbackServer.start(port, config -> {}).close())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("127.0.0.1:" + port);
        }
        assertThatThrownBy(() -> LoopbackServer.start(65_536, config -> {}).close())
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static String get(HttpClient client, URI address) throws Exception {
        return client.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static String echo(HttpClient client, URI address) throws Exception {
        var answer = new CompletableFuture<String>();
        var socket = client.newWebSocketBuilder()
                .buildAsync(address, new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
                        answer.complete(text.toString());
                        return null;
                    }
                })
                .get(10, TimeUnit.SECONDS);
        socket.sendText("me", true);
        String text = answer.get(10, TimeUnit.SECONDS);
        socket.abort();
        return text;
    }
}
