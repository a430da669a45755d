package sn9.chain;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A TCP proxy before a node that can go dumb, deliver byte by byte, or cut connections off without a word. */
final class FaultProxy implements AutoCloseable {
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final URI target;
    private volatile Mode mode = Mode.PASS;

    /** What happens to the bytes that the node sends. */
    enum Mode {
        PASS,
        /** They come one by one. */
        TRICKLE,
        /** They do not come, and the connection stays. */
        DUMB,
        /** Nobody is let in. */
        REFUSE
    }

    FaultProxy(String target) throws IOException {
        this.target = URI.create(target);
        Thread.ofVirtual().start(this::accept);
    }

    String address() {
        return "ws://127.0.0.1:" + listener.getLocalPort();
    }

    void mode(Mode wanted) {
        mode = wanted;
    }

    /** Cuts every connection off. */
    void cut() {
        sockets.forEach(FaultProxy::end);
        sockets.clear();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        cut();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                if (mode == Mode.REFUSE) {
                    client.close();
                    continue;
                }
                Socket node = new Socket(target.getHost(), target.getPort());
                client.setTcpNoDelay(true);
                sockets.add(client);
                sockets.add(node);
                Thread.ofVirtual().start(() -> forward(client, node, false));
                Thread.ofVirtual().start(() -> forward(node, client, true));
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void forward(Socket from, Socket to, boolean faulty) {
        byte[] bytes = new byte[16 << 10];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                if (faulty && mode == Mode.DUMB) {
                    continue;
                }
                if (!faulty || mode == Mode.PASS) {
                    out.write(bytes, 0, count);
                } else {
                    trickle(bytes, count, out);
                }
            }
        } catch (IOException | InterruptedException e) {
            // Cut.
        } finally {
            end(from);
            end(to);
        }
    }

    private static void trickle(byte[] bytes, int count, OutputStream out) throws IOException, InterruptedException {
        for (int i = 0; i < count; i++) {
            out.write(bytes[i]);
            out.flush();
            if (i % 16 == 0) {
                Thread.sleep(1);
            }
        }
    }

    private static void end(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
