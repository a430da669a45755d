/**
 * From text to batches: sources of pages, the packer that cuts documents into rows of tokens, and the batch itself. May
 * import {@code tokenizer} and {@code http}. Read {@link sn9.data.PageSource} first.
 */
package sn9.data;
