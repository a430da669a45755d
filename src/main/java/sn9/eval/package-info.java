/**
 * The losses of a model over fixed batches. May import {@code model}, {@code engine}, {@code data}, {@code checkpoint}
 * and {@code metrics}. Read {@link sn9.eval.Evaluator} first.
 */
package sn9.eval;
