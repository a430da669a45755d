package sn9.data;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Rows of a dataset that are fetched once and then read from this machine's disk.
 *
 * @param rows the dataset
 * @param cache keeps what was read, of this and other datasets
 */
public record CachedRows(DatasetRows rows, PageCache cache) implements DatasetRows {
    @Override
    public List<Segment> segments() {
        return rows.segments();
    }

    @Override
    public List<String> read(Segment segment, long from, int count) throws IOException, InterruptedException {
        String key = rows.describe().split(" api=")[0] + " " + segment.name() + " " + from + "+" + count;
        Optional<List<String>> kept = cache.get(key);
        if (kept.isPresent()) {
            return kept.get();
        }
        List<String> read = rows.read(segment, from, count);
        cache.put(key, read);
        return read;
    }

    @Override
    public void close() {
        rows.close();
    }

    @Override
    public String describe() {
        return rows.describe();
    }
}
