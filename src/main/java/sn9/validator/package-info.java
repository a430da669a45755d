/**
 * The validator: which models the hotkeys have committed, their files on disk, their losses on the same pages, the scores
 * and weights that follow, and the database that survives a kill at any moment. Speaks to the world through the ports of
 * {@code subnet}; may import {@code train}, {@code eval}, {@code data}, {@code checkpoint}, {@code model}, {@code engine},
 * {@code subnet}, {@code metrics} and {@code files}. Read {@link sn9.validator.Validator} first.
 */
package sn9.validator;
