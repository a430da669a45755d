/**
 * Shapes and element types, and the conversion between them. No input or output, no engine; imports nothing of ours but
 * the root package. Read {@link sn9.tensor.ElementType} first.
 */
package sn9.tensor;
