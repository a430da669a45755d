package sn9.engine;

import java.lang.foreign.MemorySegment;

/**
 * A matrix made ready for the operations, in a layout that only the library knows ({@code sn9_weight}). A weight being
 * trained reads its source in place; one for evaluation has memory of its own.
 */
public final class Weight {
    /** How a weight is stored in its source. */
    public enum Kind {
        /** [in, out], as a linear layer's. */
        LINEAR,
        /** [V, C], as the token embedding's, which the head uses transposed. */
        EMBEDDING
    }

    static final long STRUCT_BYTES = 64;

    private final String label;
    private final long rows;
    private final long cols;
    private final Kind kind;
    private final MemorySegment struct;
    private final Buffer storage; // null when trained

    Weight(String label, long rows, long cols, Kind kind, MemorySegment struct, Buffer storage) {
        this.label = label;
        this.rows = rows;
        this.cols = cols;
        this.kind = kind;
        this.struct = struct;
        this.storage = storage;
    }

    /** Its name, for messages. */
    public String label() {
        return label;
    }

    /** Rows of the source: in, or V. */
    public long rows() {
        return rows;
    }

    /** Columns of the source: out, or C. */
    public long cols() {
        return cols;
    }

    /** How its source is stored. */
    Kind kind() {
        return kind;
    }

    /** Where it is prepared; null when trained. */
    Buffer storage() {
        return storage;
    }

    long address() {
        if (storage != null) {
            storage.address();
        }
        return struct.address();
    }
}
