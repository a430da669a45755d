package sn9.data;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.BinaryOperator;
import sn9.MalformedDataException;
import sn9.data.PageSource.Split;

/**
 * Which split a document belongs to, decided by its hash alone: one tenth of all hashes is EVAL, another HELD_OUT, the
 * rest TRAIN. Only where that leaves a split empty, as a handful of documents may, one document moves there.
 */
final class Splits {
    private static final int TENTHS = 10;

    private Splits() {}

    /**
     * The split of each document.
     *
     * @throws MalformedDataException when fewer than three documents differ
     */
    static Split[] assign(RowIndex index, String source) throws MalformedDataException {
        var assignment = new Split[index.documents()];
        for (int i = 0; i < assignment.length; i++) {
            assignment[i] = switch ((int) Long.remainderUnsigned(index.hash(i), TENTHS)) {
                case 0 -> Split.EVAL;
                case 1 -> Split.HELD_OUT;
                default -> Split.TRAIN;
            };
        }
        for (Split split : Split.values()) {
            if (!Arrays.asList(assignment).contains(split)) {
                long moved = hashToMove(index, assignment, source);
                for (int i = 0; i < assignment.length; i++) {
                    assignment[i] = index.hash(i) == moved ? split : assignment[i];
                }
            }
        }
        return assignment;
    }

    /** The rows of a split, ascending. */
    static int[] rows(RowIndex index, Split[] assignment, Split split) {
        var rows = new int[index.rows()];
        int count = 0;
        for (int row = 0; row < rows.length; row++) {
            if (assignment[index.document(row)] == split) {
                rows[count++] = row;
            }
        }
        return Arrays.copyOf(rows, count);
    }

    /** The smallest hash of a split that holds another one too. */
    private static long hashToMove(RowIndex index, Split[] assignment, String source) throws MalformedDataException {
        var smallest = new EnumMap<Split, Long>(Split.class);
        var largest = new EnumMap<Split, Long>(Split.class);
        for (int i = 0; i < assignment.length; i++) {
            smallest.merge(assignment[i], index.hash(i), BinaryOperator.minBy(Long::compareUnsigned));
            largest.merge(assignment[i], index.hash(i), BinaryOperator.maxBy(Long::compareUnsigned));
        }
        return smallest.entrySet().stream()
                .filter(entry -> !entry.getValue().equals(largest.get(entry.getKey())))
                .map(Map.Entry::getValue)
                .min(Long::compareUnsigned)
                .orElseThrow(() -> new MalformedDataException(
                        source,
                        -1,
                        "expected at least 3 different documents, one for training, one held out and one for"
                                + " evaluation; found " + assignment.length
                                + " (equal ones count once; a .txt file is one"
                                + " document: cut it into several files, or write one JSON object a line into a .jsonl"
                                + " file)"));
    }
}
