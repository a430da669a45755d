package sn9.localnet.chain;

import java.time.Instant;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.StorageHasher;

/**
 * A block that is made. Hashes have 32 bytes.
 *
 * <p>Differs: the roots are hashes over the block's changes and over its extrinsics, not of Merkle tries; this chain proves
 * nothing to light clients.
 *
 * @param number 0 for the genesis
 * @param hash of the header
 * @param parent hash of the block before
 * @param stateRoot stands for all changes of state up to this block
 * @param extrinsicsRoot stands for the block's extrinsics
 * @param time when it began, which its first extrinsic sets as {@code Timestamp.Now}
 */
public record Block(long number, byte[] hash, byte[] parent, byte[] stateRoot, byte[] extrinsicsRoot, Instant time) {
    /** A block with the hash that its header has. */
    static Block of(long number, byte[] parent, byte[] stateRoot, byte[] extrinsicsRoot, Instant time) {
        byte[] header = new ScaleWriter()
                .bytes(parent)
                .compact(number)
                .bytes(stateRoot)
                .bytes(extrinsicsRoot)
                .compact(0) // logs of the digest
                .toBytes();
        return new Block(number, StorageHasher.blake2b(header, 32), parent, stateRoot, extrinsicsRoot, time);
    }
}
