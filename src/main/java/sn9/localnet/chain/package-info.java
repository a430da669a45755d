/**
 * The chain of the embedded local network: a small Substrate runtime over a SQLite file, and the JSON-RPC that tools
 * speak to it. {@code runtime.txt} declares what the genuine runtime has in common with it. May import {@code subnet},
 * {@code wallet}, {@code chain.scale} and the root package. Read {@link sn9.localnet.chain.EmbeddedChain} first.
 */
package sn9.localnet.chain;
