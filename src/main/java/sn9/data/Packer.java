package sn9.data;

import java.util.ArrayList;
import java.util.List;
import sn9.tokenizer.Gpt2Tokenizer;

/**
 * Cuts pages of text into batches as the network does (spec/subnet.md B.3): each row is encoded, cut at
 * {@code maxDocumentTokens} and followed by {@link Gpt2Tokenizer#EOS}; the rows of all pages form one run of tokens;
 * consecutive slices of B times T tokens are the batches; what is left at the end is dropped.
 *
 * @param tokenizer makes the tokens
 * @param B sequences per batch
 * @param T tokens per sequence
 * @param maxDocumentTokens tokens kept of each row, before its EOS; {@link #MAX_DOCUMENT_TOKENS} on the network
 */
public record Packer(Gpt2Tokenizer tokenizer, int B, int T, int maxDocumentTokens) {
    /** The network's cut: the tokenizer's {@code model_max_length}. */
    public static final int MAX_DOCUMENT_TOKENS = 1024;

    /** Tokens in one batch, at most; far above what any device takes. */
    private static final int MAX_BATCH_TOKENS = 1 << 26;

    /** Checks the sizes; throws {@link IllegalArgumentException}. */
    public Packer {
        if (B < 1 || T < 1 || (long) B * T > MAX_BATCH_TOKENS) {
            throw new IllegalArgumentException("a batch of B = " + B + " times T = " + T
                    + " is not possible: both must be positive and their product at most " + MAX_BATCH_TOKENS);
        }
        if (maxDocumentTokens < 1) {
            throw new IllegalArgumentException("maxDocumentTokens is " + maxDocumentTokens + ", expected 1 or more");
        }
    }

    /** Packs with the network's cut of {@link #MAX_DOCUMENT_TOKENS}. */
    public Packer(Gpt2Tokenizer tokenizer, int B, int T) {
        this(tokenizer, B, T, MAX_DOCUMENT_TOKENS);
    }

    /** The batches of these pages, in order; none when they hold less than B times T tokens. */
    public List<Batch> pack(List<Page> pages) {
        var run = begin();
        var batches = new ArrayList<Batch>();
        for (Page page : pages) {
            batches.addAll(run.add(page));
        }
        return batches;
    }

    /** Begins a run that takes page after page and gives the same batches as {@link #pack} of all of them. */
    public Run begin() {
        return new Run(this);
    }

    /** One run of tokens over many pages; holds at most one unfinished batch. Belongs to one thread. */
    public static final class Run {
        private final Packer packer;
        private int[] tokens; // (B, T), filled up to pending
        private int pending;

        private Run(Packer packer) {
            this.packer = packer;
            this.tokens = new int[packer.B * packer.T];
        }

        /** Appends a page and returns the batches it completes. */
        public List<Batch> add(Page page) {
            var batches = new ArrayList<Batch>();
            for (String text : page.texts()) {
                append(packer.tokenizer.encode(text, packer.maxDocumentTokens), batches);
                append(new int[] {Gpt2Tokenizer.EOS}, batches);
            }
            return batches;
        }

        /** Tokens that wait for their batch to fill. */
        public int pending() {
            return pending;
        }

        private void append(int[] ids, List<Batch> batches) {
            int taken = 0;
            while (taken < ids.length) {
                int count = Math.min(ids.length - taken, tokens.length - pending);
                System.arraycopy(ids, taken, tokens, pending, count);
                taken += count;
                pending += count;
                if (pending == tokens.length) {
                    batches.add(Batch.shifted(packer.B, packer.T, tokens));
                    tokens = new int[tokens.length];
                    pending = 0;
                }
            }
        }
    }
}
