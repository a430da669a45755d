package sn9.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import sn9.MalformedDataException;

/**
 * A {@code .txt} file: one document of any length, read through a window of 64 KiB.
 *
 * @param path where it is
 */
record TextFile(Path path) implements CorpusFile {
    private static final int WINDOW = 1 << 16;

    @Override
    public void index(Index index) throws IOException {
        byte[] window = new byte[WINDOW];
        try (InputStream in = Files.newInputStream(path)) {
            int filled = in.readNBytes(window, 0, WINDOW);
            boolean ended = filled < WINDOW;
            int from = byteOrderMark(window, filled);
            long base = 0; // offset of window[0] in the file
            while (true) {
                from = Rows.skipBlanks(window, from, filled);
                if (!ended && filled - from <= Rows.MAX_BYTES) {
                    System.arraycopy(window, from, window, 0, filled - from);
                    base += from;
                    filled -= from;
                    from = 0;
                    int read = in.readNBytes(window, filled, WINDOW - filled);
                    ended = filled + read < WINDOW;
                    filled += read;
                    continue;
                }
                if (from == filled) {
                    break;
                }
                int end = Rows.end(window, from, filled);
                int trimmed = Rows.trim(window, from, end);
                Rows.decode(window, from, trimmed - from, path.toString(), base + from);
                index.row(base + from, trimmed - from, 0, window, from, trimmed);
                from = end;
            }
        }
        index.endDocument();
    }

    @Override
    public RowReader open() throws IOException {
        FileChannel channel = FileChannel.open(path);
        return new RowReader() {
            @Override
            public String row(long position, int length, int part) throws IOException {
                byte[] bytes = readFully(channel, position, length, path);
                return Rows.decode(bytes, 0, length, path.toString(), position);
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    /** Exactly {@code length} bytes at {@code position}. */
    static byte[] readFully(FileChannel channel, long position, int length, Path path) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, position + bytes.position()) < 0) {
                throw new MalformedDataException(
                        path.toString(),
                        position + bytes.position(),
                        "expected " + bytes.remaining() + " more bytes, found the end of the file");
            }
        }
        return bytes.array();
    }

    private static int byteOrderMark(byte[] bytes, int length) {
        boolean marked = length >= 3 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF;
        return marked ? 3 : 0;
    }
}
