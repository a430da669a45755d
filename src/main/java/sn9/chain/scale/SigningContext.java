package sn9.chain.scale;

import java.math.BigInteger;

/**
 * What an extrinsic is bound to beside its call (spec/chain.md 6).
 *
 * @param specVersion of the runtime
 * @param transactionVersion of the runtime
 * @param genesisHash 32 bytes
 * @param era how long it can be included
 * @param eraHash hash of the era's first block; the genesis hash for an immortal one
 * @param nonce how many extrinsics the sender has had included
 * @param tip in rao
 */
public record SigningContext(
        long specVersion,
        long transactionVersion,
        byte[] genesisHash,
        Era era,
        byte[] eraHash,
        long nonce,
        BigInteger tip) {}
