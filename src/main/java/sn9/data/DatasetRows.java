package sn9.data;

import java.io.IOException;
import java.util.List;

/** The rows of a remote dataset, in segments whose sizes are known. Safe to call from any thread. */
public interface DatasetRows extends AutoCloseable {
    /**
     * Consecutive rows that can be read together: a configuration, or a row group of a file.
     *
     * @param name what it is, for ever: what a cache keeps rows under
     * @param rows how many rows it has, 1 or more
     */
    record Segment(String name, long rows) {}

    /** All segments, in a fixed order. */
    List<Segment> segments();

    /**
     * The text of rows {@code [from, from + count)} of a segment; fewer where the segment ends.
     *
     * @throws sn9.RemoteCallException when the server refuses or does not answer
     * @throws sn9.MalformedDataException when what came is malformed
     */
    List<String> read(Segment segment, long from, int count) throws IOException, InterruptedException;

    /** What this is, for a log line. */
    String describe();

    /** Ends the connections. */
    @Override
    void close();
}
