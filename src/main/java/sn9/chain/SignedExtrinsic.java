package sn9.chain;

import sn9.chain.scale.StorageHasher;

/**
 * An extrinsic as it is sent, and how long it can be included. Sending it twice does nothing more than sending it once.
 *
 * @param bytes with its length before it
 * @param signer public key of the sender, 32 bytes
 * @param nonce how many extrinsics of the sender are included before it
 * @param birth the first block that can include it
 * @param death the first block that cannot any more
 * @param specVersion of the runtime that it is signed for; no other takes it
 */
record SignedExtrinsic(byte[] bytes, byte[] signer, long nonce, long birth, long death, long specVersion) {
    /** BLAKE2b-256 of the bytes, in hexadecimal digits. */
    String hash() {
        return Hex.of(StorageHasher.blake2b(bytes, 32));
    }
}
