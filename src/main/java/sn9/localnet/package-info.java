/**
 * The embedded local network: a Hub and a chain for one machine, kept in one directory and shared by several processes.
 * For rehearsal, the quick start and tests; it is no production chain and keeps no secrets.
 * The chain itself is {@code localnet.chain}, its server {@code localnet.rpc}; {@code localnet.dataset} serves text. May import
 * {@code subnet}, {@code wallet}, {@code chain.scale}, {@code http}, {@code data} and {@code files}. Read {@link
 * sn9.localnet.chain.EmbeddedChain} and {@link sn9.localnet.rpc.ChainServer} first.
 */
package sn9.localnet;
