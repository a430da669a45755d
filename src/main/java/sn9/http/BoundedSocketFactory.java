package sn9.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.SocketFactory;

/**
 * Sockets that give up once more than a number of bytes came in since {@link #forget} was called. OkHttp gathers a message
 * of a WebSocket whole before it hands it out, however long its sender says it is; this bounds it.
 */
final class BoundedSocketFactory extends SocketFactory {
    private final long maxBytes;
    private final AtomicLong received = new AtomicLong();

    BoundedSocketFactory(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** A message has been handed out: the bytes before it no longer count. */
    void forget() {
        received.set(0);
    }

    @Override
    public Socket createSocket() {
        return new Socket() {
            @Override
            public InputStream getInputStream() throws IOException {
                return new Counted(super.getInputStream());
            }
        };
    }

    @Override
    public Socket createSocket(String host, int port) {
        throw new UnsupportedOperationException("OkHttp connects its sockets itself");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        return createSocket(host, port);
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        return createSocket(host.getHostName(), port);
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort) {
        return createSocket(host, port);
    }

    private final class Counted extends FilterInputStream {
        private Counted(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int octet = super.read();
            count(octet < 0 ? 0 : 1);
            return octet;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count = super.read(bytes, offset, length);
            count(Math.max(0, count));
            return count;
        }

        private void count(int bytes) throws IOException {
            if (received.addAndGet(bytes) > maxBytes) {
                throw new IOException("a message of more than " + maxBytes + " bytes");
            }
        }
    }
}
