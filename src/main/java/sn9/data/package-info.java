/**
 * From text to batches: sources of pages, here and at a dataset server, the cache between them, the packer that cuts
 * documents into rows of tokens, and the batch itself. May import {@code tokenizer} and {@code http}. Read
 * {@link sn9.data.PageSource} first, then {@link sn9.data.LocalCorpus} and {@link sn9.data.DatasetPages}.
 */
package sn9.data;
