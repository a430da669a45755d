package sn9.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A TCP proxy on loopback that resets a connection after so many bytes, wherever in a request or an answer that is. */
final class CuttingProxy implements AutoCloseable {
    private final ServerSocket server;
    private final int port;

    /** Bytes until the next reset of each direction; {@link Long#MAX_VALUE} for none. */
    final AtomicLong sendable = new AtomicLong(Long.MAX_VALUE);

    final AtomicLong receivable = new AtomicLong(Long.MAX_VALUE);
    final AtomicInteger resets = new AtomicInteger();

    /** Bytes that have passed. */
    final AtomicLong sent = new AtomicLong();

    final AtomicLong received = new AtomicLong();

    CuttingProxy(int port) {
        this.port = port;
        try {
            server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.startVirtualThread(this::accept);
    }

    String address() {
        return "http://localhost:" + server.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                Thread.startVirtualThread(() -> serve(client));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void serve(Socket client) {
        try (client;
                var target = new Socket(InetAddress.getLoopbackAddress(), port)) {
            var up = Thread.startVirtualThread(() -> pipe(client, target, sendable, sent));
            pipe(target, client, receivable, received);
            up.join();
        } catch (IOException e) {
            // the test sees it as a failed request
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void pipe(Socket from, Socket to, AtomicLong left, AtomicLong passed) {
        byte[] buffer = new byte[1 << 16];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                long before =
                        left.getAndAccumulate(n, (value, bytes) -> value == Long.MAX_VALUE ? value : value - bytes);
                boolean now = before != Long.MAX_VALUE && before >= 0 && before < n;
                out.write(buffer, 0, now ? (int) before : n);
                passed.addAndGet(n);
                out.flush();
                if (now) {
                    left.set(Long.MAX_VALUE);
                    resets.incrementAndGet();
                    from.setSoLinger(true, 0);
                    to.setSoLinger(true, 0);
                    break;
                }
            }
        } catch (IOException e) {
            // reset by the other direction
        }
        close(from);
        close(to);
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
