/**
 * GPT-2's byte-level BPE: text to token ids and back. Owns jtokkit; imports nothing of ours but the root package. Read
 * {@link sn9.tokenizer.Gpt2Tokenizer} first.
 */
package sn9.tokenizer;
