/**
 * The GPT-2 graph, written once over {@link sn9.engine.Ops}: its shape, the names and layout of its parameters, its
 * activations, forward and backward. May import {@code engine} and {@code tensor}. Read {@link sn9.model.Gpt2} first.
 */
package sn9.model;
