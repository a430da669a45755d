package sn9.engine;

/**
 * Multiples to which a library wants sizes padded in memory, so that its kernels meet no ragged edges; 1 for none.
 *
 * @param channels of channels and of the MLP's width
 * @param head of the head size
 * @param vocabulary of the vocabulary
 */
public record Padding(int channels, int head, int vocabulary) {
    /** No padding. */
    public static final Padding NONE = new Padding(1, 1, 1);
}
