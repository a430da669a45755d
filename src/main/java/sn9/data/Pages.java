package sn9.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reading pages of which some cannot be read: those of a dataset server often cannot for days (spec/hub.md 5). */
public final class Pages {
    private static final Logger LOG = LoggerFactory.getLogger(Pages.class);

    private Pages() {}

    /**
     * The first pages of some that can be read, in their order.
     *
     * @param numbers the pages wanted, then those that may stand in for them
     * @param count how many are wanted
     * @throws IOException the last failure, when too few can be read
     */
    public static List<Page> readable(PageSource source, long[] numbers, int count)
            throws IOException, InterruptedException {
        var pages = new ArrayList<Page>();
        for (int i = 0; pages.size() < count; i++) {
            try {
                pages.add(source.page(numbers[i]));
            } catch (IOException e) {
                if (i + 1 == numbers.length || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                LOG.warn("page={} skipped: {}", numbers[i], e.getMessage());
            }
        }
        return pages;
    }
}
