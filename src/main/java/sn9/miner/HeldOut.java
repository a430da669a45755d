package sn9.miner;

import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import sn9.data.Batch;
import sn9.data.Packer;
import sn9.data.Page;
import sn9.data.PageSource;
import sn9.data.PageSource.Split;
import sn9.data.Pages;

/** The text on which a miner compares models: the same pages in every run over one corpus, never trained on. */
public final class HeldOut {
    /** Not the run's seed: losses of different runs, and of what is on chain, must be comparable. */
    private static final long SEED = 9;

    /** Pages that may stand in for others. */
    private static final int SPARES = 10;

    private HeldOut() {}

    /**
     * Reads and packs the held-out pages. One that cannot be read is replaced by the next of the same draw.
     *
     * @param count pages wanted; a smaller source gives all it has
     * @throws IllegalArgumentException when they do not fill one batch
     */
    public static List<Batch> batches(PageSource source, int count, Packer packer)
            throws IOException, InterruptedException {
        int available = (int) Math.min(count, source.pages(Split.HELD_OUT));
        int drawn = (int) Math.min(source.pages(Split.HELD_OUT), (long) count + SPARES);
        long[] numbers = source.draw(Split.HELD_OUT, drawn, new SplittableRandom(SEED));
        List<Page> pages = Pages.readable(source, numbers, available);
        var batches = packer.pack(pages);
        if (batches.isEmpty()) {
            throw new IllegalArgumentException(available + " held-out pages of " + source.describe()
                    + " hold fewer than the " + (long) packer.B() * packer.T()
                    + " tokens of one batch; raise --held_out_pages, lower --bs or --sl, or take a larger corpus");
        }
        return batches;
    }

    /** Predictions in some batches. */
    public static long predictions(List<Batch> batches) {
        return batches.stream().mapToLong(Batch::predictions).sum();
    }
}
