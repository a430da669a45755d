/**
 * The Subtensor client (spec/chain.md): JSON-RPC over a WebSocket, runtime metadata, storage, extrinsics, and on top of them
 * commitments, weights and registration. Implements the ports {@link sn9.subnet.SubnetChain} and {@link
 * sn9.subnet.ModelMetadataStore}. Imports {@code chain.scale}, {@code wallet}, {@code subnet}, {@code http} and {@code
 * files}. Read {@link sn9.chain.ChainClient} and {@link sn9.chain.Extrinsics} first.
 */
package sn9.chain;
