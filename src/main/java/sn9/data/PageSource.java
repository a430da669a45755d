package sn9.data;

import java.io.IOException;
import java.util.random.RandomGenerator;

/** A dataset as numbered pages of text. Safe to call from any thread. */
public interface PageSource extends AutoCloseable {
    /** What a page is for. The pages of one split never share a document with those of another. */
    enum Split {
        /** What miners train on. */
        TRAIN,
        /** What a miner decides on: is this model better, is it good enough to publish. */
        HELD_OUT,
        /** What validators draw from. */
        EVAL
    }

    /** How many pages a split has. */
    long pages(Split split);

    /**
     * Draws distinct page numbers of a split.
     *
     * @param count how many; at most {@link #pages}
     * @param random decides which, and nothing else does
     * @return page numbers for {@link #page}
     * @throws IllegalArgumentException when the split has fewer pages
     */
    long[] draw(Split split, int count, RandomGenerator random);

    /**
     * Reads one page.
     *
     * @throws sn9.MalformedDataException when the source's bytes are malformed
     * @throws sn9.RemoteCallException when a remote source did not answer
     */
    Page page(long number) throws IOException, InterruptedException;

    /** What this source is, for a log line: kind, place, pages. */
    String describe();

    @Override
    void close() throws IOException;
}
