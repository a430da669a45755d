package sn9.data;

import java.io.IOException;
import java.util.List;

/** Rows through the dataset server's rows API: a segment is a configuration. */
public final class RowsApi implements DatasetRows {
    private final DatasetApi api;
    private final List<Segment> segments;

    private RowsApi(DatasetApi api, List<Segment> segments) {
        this.api = api;
        this.segments = segments;
    }

    /**
     * Asks how large the dataset is.
     *
     * @param api closed with the rows
     * @throws sn9.RemoteCallException when the server refuses or does not answer
     */
    public static RowsApi open(DatasetApi api) throws IOException, InterruptedException {
        return new RowsApi(
                api,
                api.rowsByConfig().entrySet().stream()
                        .map(entry -> new Segment(entry.getKey(), entry.getValue()))
                        .toList());
    }

    @Override
    public List<Segment> segments() {
        return segments;
    }

    @Override
    public List<String> read(Segment segment, long from, int count) throws IOException, InterruptedException {
        return api.rows(segment.name(), from, count);
    }

    @Override
    public void close() {
        api.close();
    }

    @Override
    public String describe() {
        return "dataset=" + api.dataset() + " api=rows configs=" + segments.size();
    }
}
