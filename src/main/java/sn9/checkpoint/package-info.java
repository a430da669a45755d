/**
 * Models at rest: safetensors files, Hugging Face's {@code config.json}, and the directory that holds both. Every reader
 * here takes bytes from strangers: sizes are bounded before anything is allocated, and what is wrong ends in a
 * {@link sn9.MalformedDataException} that says where. Every writer replaces a file or directory whole or not at all. May
 * import {@code model}, {@code tensor} and {@code files}. Read {@link sn9.checkpoint.ModelDirectory} first.
 */
package sn9.checkpoint;
