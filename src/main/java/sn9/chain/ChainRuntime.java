package sn9.chain;

import sn9.chain.scale.Metadata;

/**
 * A runtime: its version, and what its metadata says.
 *
 * @param specVersion grows with every upgrade
 * @param transactionVersion grows when calls change their layout
 */
public record ChainRuntime(long specVersion, long transactionVersion, Metadata metadata) {}
