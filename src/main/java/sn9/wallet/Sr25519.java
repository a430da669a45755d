package sn9.wallet;

import cafe.cryptography.curve25519.CompressedRistretto;
import cafe.cryptography.curve25519.Constants;
import cafe.cryptography.curve25519.InvalidEncodingException;
import cafe.cryptography.curve25519.RistrettoElement;
import cafe.cryptography.curve25519.Scalar;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * Schnorr signatures over Ristretto as schnorrkel makes them, in the signing context {@code substrate}
 * (w3f/schnorrkel:src/sign.rs; spec/chain.md section 5). They are randomised: two of one message differ.
 */
public final class Sr25519 {
    /** Bytes of a public key: a compressed Ristretto element. */
    public static final int PUBLIC_KEY_BYTES = 32;

    /** Bytes of a signature: a compressed element and a scalar, whose free top bit is set. */
    public static final int SIGNATURE_BYTES = 64;

    /** Bytes that are reduced to an unbiased scalar. */
    static final int WIDE_SCALAR_BYTES = 64;

    /** Set in a signature's last byte, to tell it from one of Ed25519. */
    private static final int SCHNORRKEL_MARK = 0x80;

    private static final byte[] CONTEXT = "substrate".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] PROTOCOL = "Schnorr-sig".getBytes(StandardCharsets.US_ASCII);

    private static final byte[] OPEN = "<Bytes>".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] CLOSE = "</Bytes>".getBytes(StandardCharsets.US_ASCII);

    private Sr25519() {}

    /**
     * Whether a signature is the public key's over the message.
     *
     * @param publicKey {@value #PUBLIC_KEY_BYTES} bytes; false when they are no element of the group
     * @param signature from anywhere; false unless it has {@value #SIGNATURE_BYTES} bytes and is canonical
     */
    public static boolean verify(byte[] publicKey, byte[] message, byte[] signature) {
        if (publicKey.length != PUBLIC_KEY_BYTES) {
            throw new IllegalArgumentException(
                    "a public key has " + PUBLIC_KEY_BYTES + " bytes, found " + publicKey.length);
        }
        if (signature.length != SIGNATURE_BYTES || (signature[SIGNATURE_BYTES - 1] & SCHNORRKEL_MARK) == 0) {
            return false;
        }
        byte[] commitment = Arrays.copyOf(signature, 32);
        byte[] response = Arrays.copyOfRange(signature, 32, SIGNATURE_BYTES);
        response[31] &= (byte) ~SCHNORRKEL_MARK;
        RistrettoElement key;
        Scalar s;
        try {
            key = new CompressedRistretto(publicKey.clone()).decompress();
            s = Scalar.fromCanonicalBytes(response);
        } catch (InvalidEncodingException | IllegalArgumentException e) {
            return false;
        }
        try (var transcript = transcript(publicKey, message)) {
            Scalar k = challenge(transcript, commitment);
            byte[] expected = timesBase(s).subtract(key.multiply(k)).compress().toByteArray();
            return Arrays.equals(expected, commitment);
        }
    }

    /** Whether a signature is over the data, or over {@code <Bytes>data</Bytes>}, as browser extensions sign texts. */
    public static boolean verifyPlainOrWrapped(byte[] publicKey, byte[] data, byte[] signature) {
        return verify(publicKey, data, signature) || verify(publicKey, wrap(data), signature);
    }

    /** Signs with a secret scalar; the nonce seed is what keeps the signature's secret from a bad random source. */
    static byte[] sign(byte[] scalar, byte[] nonceSeed, byte[] publicKey, byte[] message, SecureRandom random) {
        try (var transcript = transcript(publicKey, message)) {
            byte[] wide = transcript.witness(WIDE_SCALAR_BYTES, nonceSeed, random);
            Scalar r = Scalar.fromBytesModOrderWide(wide);
            Arrays.fill(wide, (byte) 0);
            byte[] commitment = timesBase(r).compress().toByteArray();
            Scalar k = challenge(transcript, commitment);
            byte[] response =
                    k.multiplyAndAdd(Scalar.fromCanonicalBytes(scalar), r).toByteArray();
            byte[] signature = Arrays.copyOf(commitment, SIGNATURE_BYTES);
            System.arraycopy(response, 0, signature, 32, response.length);
            signature[SIGNATURE_BYTES - 1] |= (byte) SCHNORRKEL_MARK;
            return signature;
        }
    }

    /** A scalar times the group's generator, in constant time. */
    static RistrettoElement timesBase(Scalar scalar) {
        return Constants.RISTRETTO_GENERATOR_TABLE.multiply(scalar);
    }

    private static byte[] wrap(byte[] data) {
        byte[] wrapped = new byte[OPEN.length + data.length + CLOSE.length];
        System.arraycopy(OPEN, 0, wrapped, 0, OPEN.length);
        System.arraycopy(data, 0, wrapped, OPEN.length, data.length);
        System.arraycopy(CLOSE, 0, wrapped, OPEN.length + data.length, CLOSE.length);
        return wrapped;
    }

    private static MerlinTranscript transcript(byte[] publicKey, byte[] message) {
        return new MerlinTranscript("SigningContext")
                .append("", CONTEXT)
                .append("sign-bytes", message)
                .append("proto-name", PROTOCOL)
                .append("sign:pk", publicKey);
    }

    private static Scalar challenge(MerlinTranscript transcript, byte[] commitment) {
        return Scalar.fromBytesModOrderWide(
                transcript.append("sign:R", commitment).challenge("sign:c", WIDE_SCALAR_BYTES));
    }
}
