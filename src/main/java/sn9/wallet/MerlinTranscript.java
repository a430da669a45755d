package sn9.wallet;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * A Merlin transcript (merlin.cool, v1.0): messages go in under labels, challenges that depend on all of them come out.
 * Closing it wipes its state.
 */
final class MerlinTranscript implements AutoCloseable {
    /** Fresh random bytes that go into every witness. */
    private static final int WITNESS_RANDOM_BYTES = 32;

    private final Strobe128 strobe;

    /** An empty transcript of a protocol. */
    MerlinTranscript(String protocol) {
        strobe = new Strobe128("Merlin v1.0");
        append("dom-sep", protocol.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a message and returns this. */
    MerlinTranscript append(String label, byte[] message) {
        strobe.metaAd(label.getBytes(StandardCharsets.UTF_8), false);
        strobe.metaAd(littleEndian(message.length), true);
        strobe.ad(message);
        return this;
    }

    /** The next bytes that verifier and prover agree on. */
    byte[] challenge(String label, int length) {
        strobe.metaAd(label.getBytes(StandardCharsets.UTF_8), false);
        strobe.metaAd(littleEndian(length), true);
        return strobe.prf(length);
    }

    /**
     * Bytes nobody else can know: of this transcript, a secret, and fresh randomness, so that neither a repeated message
     * nor a broken random source alone gives them away (Merlin's TranscriptRng, with the labels of schnorrkel's
     * {@code witness_bytes}). The transcript itself stays as it is.
     */
    byte[] witness(int length, byte[] secret, SecureRandom random) {
        byte[] fresh = new byte[WITNESS_RANDOM_BYTES];
        random.nextBytes(fresh);
        Strobe128 fork = strobe.copy();
        fork.metaAd(new byte[0], false);
        fork.metaAd(littleEndian(secret.length), true);
        fork.key(secret);
        fork.metaAd("rng".getBytes(StandardCharsets.UTF_8), false);
        fork.key(fresh);
        fork.metaAd(littleEndian(length), false);
        byte[] witness = fork.prf(length);
        fork.wipe();
        Arrays.fill(fresh, (byte) 0);
        return witness;
    }

    @Override
    public void close() {
        strobe.wipe();
    }

    private static byte[] littleEndian(int value) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }
}
