/**
 * From batches to a better model: the training step, its schedule and optimiser settings, the initialisation, and the
 * checkpoint that resumes bit for bit. May import {@code model}, {@code engine}, {@code data}, {@code checkpoint} and
 * {@code metrics}. Read {@link sn9.train.Trainer} first.
 */
package sn9.train;
