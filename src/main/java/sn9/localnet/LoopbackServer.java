package sn9.localnet;

import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.channels.ServerSocketChannel;
import java.util.function.Consumer;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * An HTTP and WebSocket server of the local network. It listens on 127.0.0.1 only: what it serves has rehearsal's idea of
 * keys and tokens.
 */
public final class LoopbackServer implements AutoCloseable {
    /** Where it listens. */
    public static final String HOST = "127.0.0.1";

    /** By which name it answers too. */
    public static final String NAME = "localhost";

    /** Bytes of one read from and one write to a connection; whole files pass through here. */
    private static final int BUFFER_BYTES = 256 << 10;

    private static final long IDLE_MILLIS = 60_000;

    /** How long requests under way may take to end after {@link #close}. */
    private static final long STOP_MILLIS = 5_000;

    private final Javalin server;

    private LoopbackServer(Javalin server) {
        this.server = server;
    }

    /**
     * Starts a server, which answers from the moment this returns.
     *
     * @param port 0 for any free one
     * @param routes adds handlers and their settings
     * @throws IOException when the port is taken or may not be used
     */
    public static LoopbackServer start(int port, Consumer<JavalinConfig> routes) throws IOException {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port is " + port + ", expected 0 (any free one) to 65535");
        }
        ServerSocketChannel socket = listen(port);
        var server = Javalin.create(config -> {
            config.startup.showJavalinBanner = false;
            config.startup.showOldJavalinVersionWarning = false;
            config.startup.startupWatcherEnabled = false;
            config.http.compressionStrategy = CompressionStrategy.NONE;
            config.jetty.modifyServer(jetty -> jetty.setStopTimeout(STOP_MILLIS));
            config.jetty.addConnector((jetty, http) -> connector(jetty, http, socket));
            config.routes.before(LoopbackServer::requireLoopbackName);
            routes.accept(config);
        });
        return new LoopbackServer(server.start());
    }

    /**
     * A page of the web can make a name of its own stand for 127.0.0.1 and ask from within a browser; it cannot make the
     * browser send another name.
     */
    private static void requireLoopbackName(Context request) {
        String host = request.host() == null ? "" : request.host().split(":", 2)[0];
        if (!host.equals(HOST) && !host.equals(NAME)) {
            throw new HttpResponseException(421, "this server answers to " + HOST + " and " + NAME + " only");
        }
    }

    /** Bound beforehand: what Jetty says of a taken port is a stack trace. */
    private static ServerSocketChannel listen(int port) throws IOException {
        ServerSocketChannel socket = ServerSocketChannel.open();
        try {
            return socket.setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(new InetSocketAddress(HOST, port));
        } catch (IOException e) {
            socket.close();
            throw new IOException(
                    "cannot listen on " + HOST + ":" + port + " (" + e.getMessage() + "); choose another port, or 0",
                    e);
        }
    }

    private static ServerConnector connector(Server jetty, HttpConfiguration http, ServerSocketChannel socket) {
        http.setSendServerVersion(false);
        http.setOutputBufferSize(BUFFER_BYTES);
        http.setOutputAggregationSize(BUFFER_BYTES);
        // A revision such as refs%2Fpr%2F1 is one step of a path.
        http.setUriCompliance(UriCompliance.from("RFC3986,AMBIGUOUS_PATH_SEPARATOR,AMBIGUOUS_PATH_ENCODING"));
        var factory = new HttpConnectionFactory(http);
        factory.setInputBufferSize(BUFFER_BYTES);
        var connector = new ServerConnector(jetty, factory);
        connector.setIdleTimeout(IDLE_MILLIS);
        try {
            connector.open(socket);
        } catch (IOException e) {
            throw new UncheckedIOException("Jetty does not take a bound socket", e);
        }
        return connector;
    }

    /** {@code http://127.0.0.1:PORT}, without a slash at its end. */
    public URI address() {
        return URI.create("http://" + HOST + ":" + server.port());
    }

    /** Takes no more requests, lets those under way end for a few seconds, and ends. */
    @Override
    public void close() {
        server.stop();
    }
}
