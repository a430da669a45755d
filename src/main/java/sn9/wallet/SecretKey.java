package sn9.wallet;

import cafe.cryptography.curve25519.Scalar;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * A schnorrkel secret: a scalar and a nonce seed (w3f/schnorrkel:src/keys.rs, derive.rs). Closing it wipes both; what the
 * curve's library copied of the scalar stays on the heap until it is collected.
 */
final class SecretKey implements AutoCloseable {
    /** Bytes of a mini secret, which expands to a secret. */
    static final int SEED_BYTES = 32;

    /** Bytes of a secret: scalar, then nonce seed. */
    static final int BYTES = 64;

    private final byte[] scalar; // canonical, little endian
    private final byte[] nonceSeed;

    private SecretKey(byte[] scalar, byte[] nonceSeed) {
        this.scalar = scalar;
        this.nonceSeed = nonceSeed;
    }

    /** Expands a mini secret the way Ed25519 does, with the clamped scalar divided by the cofactor. */
    static SecretKey ofSeed(byte[] seed) {
        if (seed.length != SEED_BYTES) {
            throw new IllegalArgumentException("a seed has " + SEED_BYTES + " bytes, found " + seed.length);
        }
        byte[] hash = sha512(seed);
        byte[] scalar = Arrays.copyOf(hash, 32);
        scalar[0] &= (byte) 0xf8;
        scalar[31] = (byte) (scalar[31] & 0x3f | 0x40);
        divideByCofactor(scalar);
        var key = new SecretKey(scalar, Arrays.copyOfRange(hash, 32, BYTES));
        Arrays.fill(hash, (byte) 0);
        return key;
    }

    /**
     * Takes a secret as schnorrkel writes it: canonical scalar, nonce seed.
     *
     * @throws IllegalArgumentException when it has another length or the scalar is not below the group's order
     */
    static SecretKey ofBytes(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("a secret key has " + BYTES + " bytes, found " + bytes.length);
        }
        byte[] scalar = Arrays.copyOf(bytes, 32);
        try {
            Scalar.fromCanonicalBytes(scalar);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the scalar of the secret key is not below the order of the group");
        }
        return new SecretKey(scalar, Arrays.copyOfRange(bytes, 32, BYTES));
    }

    /**
     * Takes a secret as polkadot-js writes it: the scalar multiplied by the cofactor, nonce seed.
     *
     * @throws IllegalArgumentException when it has another length or the scalar is no multiple of the cofactor
     */
    static SecretKey ofEd25519Bytes(byte[] bytes) {
        if (bytes.length != BYTES || (bytes[0] & 7) != 0) {
            throw new IllegalArgumentException("not a secret key of Ed25519's form: " + BYTES
                    + " bytes are expected of which the first is a multiple of 8");
        }
        byte[] divided = bytes.clone();
        divideByCofactor(divided);
        System.arraycopy(bytes, 32, divided, 32, 32);
        try {
            return ofBytes(divided);
        } finally {
            Arrays.fill(divided, (byte) 0);
        }
    }

    /** The public key, 32 bytes. */
    byte[] publicKey() {
        return Sr25519.timesBase(Scalar.fromCanonicalBytes(scalar)).compress().toByteArray();
    }

    /** Signs a message for the public key, which must be this secret's. */
    byte[] sign(byte[] publicKey, byte[] message, SecureRandom random) {
        return Sr25519.sign(scalar, nonceSeed, publicKey, message, random);
    }

    /** The secret one step further down a path; {@code publicKey} must be this secret's. */
    SecretKey derive(Junction junction, byte[] publicKey, SecureRandom random) {
        try (var transcript = derivation(junction)) {
            return junction.hard() ? hard(transcript) : soft(transcript, publicKey, random);
        }
    }

    /** Scalar and nonce seed, which the caller wipes. */
    byte[] bytes() {
        byte[] bytes = Arrays.copyOf(scalar, BYTES);
        System.arraycopy(nonceSeed, 0, bytes, 32, 32);
        return bytes;
    }

    @Override
    public void close() {
        Arrays.fill(scalar, (byte) 0);
        Arrays.fill(nonceSeed, (byte) 0);
    }

    /** What the soft step of a public key adds to its secret; everybody can compute it. */
    static Scalar softOffset(Junction junction, byte[] publicKey) {
        try (var transcript = derivation(junction)) {
            return softOffset(transcript, publicKey);
        }
    }

    private SecretKey hard(MerlinTranscript transcript) {
        byte[] seed = transcript.append("secret-key", scalar).challenge("HDKD-hard", SEED_BYTES);
        try {
            return ofSeed(seed);
        } finally {
            Arrays.fill(seed, (byte) 0);
        }
    }

    private SecretKey soft(MerlinTranscript transcript, byte[] publicKey, SecureRandom random) {
        byte[] child = softOffset(transcript, publicKey)
                .add(Scalar.fromCanonicalBytes(scalar))
                .toByteArray();
        byte[] secret = bytes();
        byte[] childNonceSeed = transcript.witness(32, secret, random); // any secret bytes would do
        Arrays.fill(secret, (byte) 0);
        return new SecretKey(child, childNonceSeed);
    }

    private static MerlinTranscript derivation(Junction junction) {
        return new MerlinTranscript("SchnorrRistrettoHDKD")
                .append("sign-bytes", new byte[0])
                .append("chain-code", junction.chainCode());
    }

    private static Scalar softOffset(MerlinTranscript transcript, byte[] publicKey) {
        return Scalar.fromBytesModOrderWide(
                transcript.append("public-key", publicKey).challenge("HDKD-scalar", Sr25519.WIDE_SCALAR_BYTES));
    }

    /** Shifts the 32-byte little-endian number at the start right by three bits. */
    private static void divideByCofactor(byte[] bytes) {
        for (int i = 0; i < 32; i++) {
            int above = i < 31 ? bytes[i + 1] & 7 : 0;
            bytes[i] = (byte) ((bytes[i] & 0xff) >> 3 | above << 5);
        }
    }

    private static byte[] sha512(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-512").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java has no SHA-512", e);
        }
    }
}
