package sn9.tokenizer;

import java.util.Arrays;

/**
 * Merges the bytes of one piece into tokens: always the pair of lowest rank, of several equal ones the leftmost, until no
 * neighbours merge. Short pieces are searched through at every step; long ones keep their pairs in a heap, so that a piece
 * of n bytes takes n log n steps. Keeps its arrays from piece to piece; belongs to one thread.
 */
final class Merge {
    /** Bytes up to which searching is faster than a heap. */
    private static final int SHORT = 64;

    private final Vocabulary vocabulary;
    private int[] tokens = new int[SHORT]; // of the present piece
    private int[] ranks = new int[SHORT]; // of merging a token with the one behind it

    Merge(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    /**
     * Merges {@code text[from, to)}, one byte or more.
     *
     * @return how many tokens it is; {@link #token} has them
     */
    int run(byte[] text, int from, int to) {
        int length = to - from;
        if (length > tokens.length) {
            tokens = new int[length];
            ranks = new int[length];
        }
        for (int i = 0; i < length; i++) {
            tokens[i] = vocabulary.single(text[from + i]);
        }
        for (int i = 0; i < length - 1; i++) {
            ranks[i] = vocabulary.pair(tokens[i], tokens[i + 1]);
        }
        ranks[length - 1] = Vocabulary.NONE;
        return length <= SHORT ? search(length) : new Heap(length).run();
    }

    /** Token {@code i} of the piece merged last. */
    int token(int i) {
        return tokens[i];
    }

    private int search(int length) {
        int left = length;
        while (true) {
            int lowest = 0;
            for (int i = 1; i < left; i++) {
                lowest = ranks[i] < ranks[lowest] ? i : lowest;
            }
            if (ranks[lowest] == Vocabulary.NONE) {
                return left;
            }
            tokens[lowest] = ranks[lowest];
            left--;
            System.arraycopy(tokens, lowest + 2, tokens, lowest + 1, left - lowest - 1);
            System.arraycopy(ranks, lowest + 1, ranks, lowest, left - lowest);
            ranks[lowest] = lowest + 1 < left ? vocabulary.pair(tokens[lowest], tokens[lowest + 1]) : Vocabulary.NONE;
            if (lowest > 0) {
                ranks[lowest - 1] = vocabulary.pair(tokens[lowest - 1], tokens[lowest]);
            }
        }
    }

    /**
     * A long piece: places linked to the next and the one before, and a binary heap of {@code rank << 32 | place}. A pair
     * that has changed stays in the heap; it is known by its rank, which is no more the place's.
     */
    private final class Heap {
        private final int[] next;
        private final int[] before;
        private long[] heap;
        private int size;

        private Heap(int length) {
            next = new int[length];
            before = new int[length];
            heap = new long[length];
            for (int i = 0; i < length; i++) {
                next[i] = i + 1;
                before[i] = i - 1;
                push(i);
            }
        }

        private int run() {
            while (size > 0) {
                long lowest = pop();
                int place = (int) lowest;
                int rank = (int) (lowest >>> 32);
                if (ranks[place] == rank) {
                    merge(place, rank);
                }
            }
            int count = 0;
            for (int place = 0; place < next.length; place = next[place]) {
                tokens[count++] = tokens[place];
            }
            return count;
        }

        private void merge(int place, int token) {
            int gone = next[place];
            int after = next[gone];
            tokens[place] = token;
            ranks[gone] = Vocabulary.NONE;
            next[place] = after;
            ranks[place] = Vocabulary.NONE;
            if (after < next.length) {
                before[after] = place;
                ranks[place] = vocabulary.pair(token, tokens[after]);
                push(place);
            }
            int previous = before[place];
            if (previous >= 0) {
                ranks[previous] = vocabulary.pair(tokens[previous], token);
                push(previous);
            }
        }

        private void push(int place) {
            if (ranks[place] == Vocabulary.NONE) {
                return;
            }
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size + size / 2);
            }
            long entry = (long) ranks[place] << 32 | place;
            int at = size++;
            while (at > 0 && heap[(at - 1) / 2] > entry) {
                heap[at] = heap[(at - 1) / 2];
                at = (at - 1) / 2;
            }
            heap[at] = entry;
        }

        private long pop() {
            long lowest = heap[0];
            long entry = heap[--size];
            int at = 0;
            while (2 * at + 1 < size) {
                int child = 2 * at + 1;
                child += child + 1 < size && heap[child + 1] < heap[child] ? 1 : 0;
                if (heap[child] >= entry) {
                    break;
                }
                heap[at] = heap[child];
                at = child;
            }
            heap[at] = entry;
            return lowest;
        }
    }
}
