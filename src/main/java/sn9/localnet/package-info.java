/**
 * The embedded local network: a Hub and a chain for one machine, kept in one directory and shared by several processes.
 * For rehearsal, the quick start and tests; it is no production chain and keeps no secrets.
 * The chain itself is {@code localnet.chain}, its server {@code localnet.rpc}; {@code localnet.dataset} serves text. Implements
 * the ports of {@code subnet}, which it may import, with {@code wallet}, {@code chain.scale}, {@code http} and {@code data}. Read
 * {@link sn9.localnet.LocalChain} first.
 */
package sn9.localnet;
