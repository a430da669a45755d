package sn9.data;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Bytes that can be read at any place: a file here, or one at a server. Belongs to one thread. */
interface RandomBytes extends Closeable {
    /** What to call them in messages. */
    String name();

    /** How many there are. */
    long size() throws IOException;

    /**
     * Exactly {@code length} bytes at {@code position}.
     *
     * @throws sn9.MalformedDataException when they end before
     */
    byte[] read(long position, int length) throws IOException;

    /** Opens a file on this machine. */
    static RandomBytes of(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path);
        return new RandomBytes() {
            @Override
            public String name() {
                return path.toString();
            }

            @Override
            public long size() throws IOException {
                return channel.size();
            }

            @Override
            public byte[] read(long position, int length) throws IOException {
                return TextFile.readFully(channel, position, length, path);
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }
}
