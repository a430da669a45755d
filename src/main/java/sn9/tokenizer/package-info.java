/**
 * GPT-2's byte-level BPE: text to token ids and back. Owns jtokkit, whose copy of the vocabulary it reads; imports nothing
 * of ours but the root package. Read {@link sn9.tokenizer.Gpt2Tokenizer} first.
 */
package sn9.tokenizer;
