/**
 * The dataset server of the local network: text of this machine in the protocol of Hugging Face's dataset viewer, so that
 * pages can be drawn as from the network without one. May import {@code data} and {@code localnet}. Read
 * {@link sn9.localnet.dataset.DatasetServer} first.
 */
package sn9.localnet.dataset;
