package sn9.http;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.ByteString;
import sn9.RemoteCallException;

/**
 * A WebSocket of text messages, open from its birth until it is closed or fails once and for all. Messages are bounded in
 * size and never compressed, so that a small one cannot unpack to a large one. Pings find a peer that is gone.
 */
public final class WebSocketConnection implements AutoCloseable {
    /** A peer that answers no ping for as long is gone. */
    private static final Duration PING = Duration.ofSeconds(20);

    private static final String EXTENSIONS = "Sec-WebSocket-Extensions";

    /** Close frames carry this status (RFC 6455, 7.4.1). */
    private static final int NORMAL = 1000;

    private static final int TOO_UNUSUAL = 1003;

    private final String address;
    private final OkHttpClient client;
    private final WebSocket socket;

    /** Who receives; called from one thread of the connection's own, which it must not block. */
    public interface Listener {
        /** A message came. */
        void text(String message);

        /** The connection is over; called once, nothing comes after it. */
        void closed(String reason);
    }

    private WebSocketConnection(String address, OkHttpClient client, WebSocket socket) {
        this.address = address;
        this.client = client;
        this.socket = socket;
    }

    /**
     * Connects.
     *
     * @param address {@code ws://} or {@code wss://}
     * @param timeout longest wait until messages can be sent
     * @param maxMessageBytes a longer message ends the connection
     * @throws RemoteCallException when it does not come about in that time; not retryable when the address is none
     */
    public static WebSocketConnection open(String address, Duration timeout, int maxMessageBytes, Listener listener)
            throws RemoteCallException, InterruptedException {
        Request request = request(address);
        var sockets = new BoundedSocketFactory(maxMessageBytes);
        var client = new OkHttpClient.Builder()
                .socketFactory(sockets)
                .connectTimeout(timeout)
                .readTimeout(timeout)
                .writeTimeout(timeout)
                .pingInterval(PING)
                .addInterceptor(chain -> uncompressed(chain.proceed(
                        chain.request().newBuilder().removeHeader(EXTENSIONS).build())))
                .build();
        var events = new Events(listener, sockets);
        WebSocket socket = client.newWebSocket(request, events);
        var connection = new WebSocketConnection(address, client, socket);
        try {
            events.opened.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            return connection;
        } catch (ExecutionException e) {
            connection.close();
            throw new RemoteCallException(
                    address + ": cannot connect: " + e.getCause().getMessage(), true, e.getCause());
        } catch (TimeoutException e) {
            connection.close();
            throw new RemoteCallException(address + ": no connection within " + timeout.toMillis() + " ms", true, e);
        } catch (InterruptedException e) {
            connection.close();
            throw e;
        }
    }

    /**
     * Sends a message, or puts it in line.
     *
     * @throws RemoteCallException when the connection is over, or the line is full since the peer reads nothing
     */
    public void send(String message) throws RemoteCallException {
        if (!socket.send(message)) {
            throw new RemoteCallException(address + ": the connection is closed, or the peer reads nothing", true);
        }
    }

    /** Ends the connection at once; the listener hears of it. */
    @Override
    public void close() {
        if (!socket.close(NORMAL, null)) {
            socket.cancel();
        }
        socket.cancel();
        client.dispatcher().executorService().shutdown();
        client.connectionPool().evictAll();
    }

    private static Request request(String address) throws RemoteCallException {
        String http = address.replaceFirst("^ws(s?)://", "http$1://");
        HttpUrl url = http.equals(address) ? null : HttpUrl.parse(http);
        if (url == null) {
            throw new RemoteCallException(
                    "\"" + address + "\" is no address of a WebSocket, expected ws://HOST:PORT or wss://HOST:PORT",
                    false);
        }
        return new Request.Builder().url(url).build();
    }

    private static Response uncompressed(Response response) throws IOException {
        if (response.header(EXTENSIONS) != null) {
            response.close();
            throw new IOException(
                    "the peer insists on extensions that were not offered: " + response.header(EXTENSIONS));
        }
        return response;
    }

    private static final class Events extends WebSocketListener {
        private final CompletableFuture<Void> opened = new CompletableFuture<>();
        private final Listener listener;
        private final BoundedSocketFactory sockets;
        private boolean over;

        private Events(Listener listener, BoundedSocketFactory sockets) {
            this.listener = listener;
            this.sockets = sockets;
        }

        @Override
        public void onOpen(WebSocket socket, Response response) {
            opened.complete(null);
        }

        @Override
        public void onMessage(WebSocket socket, String text) {
            sockets.forget();
            listener.text(text);
        }

        @Override
        public void onMessage(WebSocket socket, ByteString bytes) {
            socket.close(TOO_UNUSUAL, "text expected");
            end("a message of bytes came, text was expected");
        }

        @Override
        public void onClosing(WebSocket socket, int code, String reason) {
            socket.close(NORMAL, null);
            end("closed by the peer with status " + code + (reason.isEmpty() ? "" : " (" + reason + ")"));
        }

        @Override
        public void onClosed(WebSocket socket, int code, String reason) {
            end("closed with status " + code);
        }

        @Override
        public void onFailure(WebSocket socket, Throwable failure, Response response) {
            String status = response == null ? "" : ", status " + response.code();
            end((failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage()) + status);
        }

        private synchronized void end(String reason) {
            if (!over) {
                over = true;
                opened.completeExceptionally(new IOException(reason));
                listener.closed(reason);
            }
        }
    }
}
