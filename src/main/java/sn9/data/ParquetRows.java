package sn9.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rows of a dataset's parquet files, by range requests: footers once, then of a row group only the pages of the text
 * column that hold the rows wanted. A segment is a row group.
 *
 * <p>Of a dataset in more than {@link #MAX_FILES} files a seed takes so many: the 5,534 of Falcon RefinedWeb use up the
 * Hub's request limits for a quarter of an hour by their footers alone, and 32 of them are 5.6 million documents.
 */
public final class ParquetRows implements DatasetRows {
    /** Files of one source, at most. */
    static final int MAX_FILES = 32;

    /** Footers read at once; one may take 16 MiB. */
    private static final int AT_ONCE = 4;

    private static final Logger LOG = LoggerFactory.getLogger(ParquetRows.class);

    private final DatasetApi api;
    private final int files;
    private final Map<Segment, Place> places; // in the order of the files

    /** Where a segment is. */
    private record Place(DatasetApi.ParquetUrl file, ParquetFile.Chunk chunk) {}

    private ParquetRows(DatasetApi api, int files, Map<Segment, Place> places) {
        this.api = api;
        this.files = files;
        this.places = places;
    }

    /**
     * Lists the files and reads the footers of those taken. A file that cannot be read is left out with a warning.
     *
     * @param api closed with the rows
     * @param seed decides which files, where there are too many
     * @throws sn9.RemoteCallException when the server refuses or does not answer
     * @throws sn9.MalformedDataException when no file can be read
     */
    public static ParquetRows open(DatasetApi api, long seed) throws IOException, InterruptedException {
        var files = new ArrayList<>(api.parquetFiles());
        if (files.size() > MAX_FILES) {
            LOG.info("dataset=\"{}\" parquet_files={} taken={} seed={}", api.dataset(), files.size(), MAX_FILES, seed);
            Collections.shuffle(files, new Random(seed));
            files.subList(MAX_FILES, files.size()).clear();
        }
        var turns = new Semaphore(AT_ONCE);
        var places = new LinkedHashMap<Segment, Place>();
        IOException last = null;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var footers = new ArrayList<Future<List<ParquetFile.Chunk>>>();
            for (DatasetApi.ParquetUrl file : files) {
                footers.add(threads.submit(footer(api, file, turns)));
            }
            for (int i = 0; i < files.size(); i++) {
                try {
                    for (ParquetFile.Chunk chunk : footers.get(i).get()) {
                        String name = files.get(i).url() + "#" + chunk.firstRow();
                        places.put(new Segment(name, chunk.rows()), new Place(files.get(i), chunk));
                    }
                } catch (ExecutionException e) {
                    last = failure(e);
                    LOG.warn("file={} skipped: {}", files.get(i).url(), last.getMessage());
                } catch (InterruptedException e) {
                    threads.shutdownNow();
                    throw e;
                }
            }
        }
        if (places.isEmpty() && last != null) {
            throw last;
        }
        return new ParquetRows(api, files.size(), places);
    }

    @Override
    public List<Segment> segments() {
        return List.copyOf(places.keySet());
    }

    @Override
    public List<String> read(Segment segment, long from, int count) throws IOException, InterruptedException {
        Place place = places.get(segment);
        int rows = (int) Math.min(count, segment.rows() - from);
        try (var bytes = new HttpBytes(api, place.file.url(), place.file.bytes())) {
            var column = new ParquetColumn(bytes, place.chunk);
            column.skip(from);
            var texts = new ArrayList<String>(rows);
            for (int i = 0; i < rows; i++) {
                texts.add(column.next());
            }
            return texts;
        }
    }

    @Override
    public void close() {
        api.close();
    }

    @Override
    public String describe() {
        return "dataset=" + api.dataset() + " api=parquet files=" + files + " row_groups=" + places.size();
    }

    private static Callable<List<ParquetFile.Chunk>> footer(
            DatasetApi api, DatasetApi.ParquetUrl file, Semaphore turns) {
        return () -> {
            turns.acquire();
            try (var bytes = new HttpBytes(api, file.url(), file.bytes())) {
                return ParquetFile.chunks(bytes);
            } finally {
                turns.release();
            }
        };
    }

    private static IOException failure(ExecutionException e) {
        return switch (e.getCause()) {
            case IOException cause -> cause;
            case RuntimeException fault -> throw fault;
            default -> throw new IllegalStateException(e.getCause());
        };
    }
}
