package sn9.localnet.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import sn9.MalformedDataException;
import sn9.chain.scale.Era;
import sn9.chain.scale.ScaleReader;
import sn9.chain.scale.StorageHasher;
import sn9.chain.scale.Value;

/**
 * A signed extrinsic of version 4 as it came (spec/chain.md 6); nothing of it is verified.
 *
 * @param bytes the whole, with its length
 * @param hash BLAKE2b-256 of the whole
 * @param account who is said to have signed it
 * @param signature sr25519, 64 bytes
 * @param nonce how many extrinsics of the account are to come before it
 * @param tip in rao
 * @param call what it does
 * @param callBytes the call's encoding
 */
record SignedExtrinsic(
        byte[] bytes,
        byte[] hash,
        byte[] account,
        byte[] signature,
        Era era,
        long nonce,
        BigInteger tip,
        Value call,
        byte[] callBytes) {
    /** Longer ones are refused; a commitment has a third of a kilobyte, weights for 256 slots have 1.2. */
    static final int MAX_BYTES = 64 << 10;

    private static final int SIGNED_V4 = 0x84;
    private static final int ADDRESS_ID = 0;
    private static final int SR25519 = 1;
    private static final int SIGNATURE_BYTES = 64;
    private static final long MAX_U32 = 0xFFFF_FFFFL;

    /** @throws MalformedDataException when the bytes are no extrinsic that this runtime can read */
    static SignedExtrinsic read(byte[] bytes) throws IOException {
        var in = new ScaleReader("the extrinsic", bytes);
        if (bytes.length > MAX_BYTES) {
            throw in.malformed("it has " + bytes.length + " bytes, expected at most " + MAX_BYTES);
        }
        byte[] body = in.byteList();
        in.end();
        in = new ScaleReader("the extrinsic", body);
        require(in, in.u8() == SIGNED_V4, "a signed extrinsic of version 4");
        require(in, in.u8() == ADDRESS_ID, "an account id as its sender");
        byte[] account = in.bytes(32);
        require(in, in.u8() == SR25519, "an sr25519 signature");
        byte[] signature = in.bytes(SIGNATURE_BYTES);
        Era era = Era.read(in);
        long nonce = in.compact(MAX_U32);
        BigInteger tip = in.compact();
        require(in, in.u8() == 0, "no metadata hash, which this runtime does not check");
        byte[] call = Arrays.copyOfRange(body, in.position(), body.length);
        return new SignedExtrinsic(
                bytes,
                StorageHasher.blake2b(bytes, 32),
                account,
                signature,
                era,
                nonce,
                tip,
                Runtime.embedded().call(call),
                call);
    }

    private static void require(ScaleReader in, boolean holds, String what) throws MalformedDataException {
        if (!holds) {
            throw in.malformed("expected " + what);
        }
    }
}
