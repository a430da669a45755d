package sn9.wallet;

import java.security.SecureRandom;
import java.util.Arrays;

/**
 * An sr25519 key that can sign. Any thread may use it. Closing it wipes the secret; it prints as its address only.
 *
 * <p>What is done with the secret here is written without branches or indices that depend on it, ours and that of
 * curve25519-elisabeth; what the just-in-time compiler makes of it, and copies that the library and the garbage collector
 * leave on the heap, are out of this class's hands. docs/wallet.md has the list, and what is not constant time.
 */
public final class Keypair implements AutoCloseable {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final SecretKey secret;
    private final byte[] publicKey;
    private final String address;
    private boolean closed;

    private Keypair(SecretKey secret) {
        this.secret = secret;
        this.publicKey = secret.publicKey();
        this.address = Ss58.encode(publicKey);
    }

    /** The key of a mini secret of 32 bytes, which the caller wipes. */
    public static Keypair fromSeed(byte[] seed) {
        return new Keypair(SecretKey.ofSeed(seed));
    }

    /** The key of a mnemonic without a passphrase, as wallets keep it. */
    public static Keypair fromMnemonic(Mnemonic mnemonic) {
        byte[] seed = mnemonic.seed("");
        try {
            return fromSeed(seed);
        } finally {
            Arrays.fill(seed, (byte) 0);
        }
    }

    /**
     * The key of a secret as schnorrkel writes it, 64 bytes of canonical scalar and nonce seed, which the caller wipes.
     *
     * @throws IllegalArgumentException when it is none
     */
    public static Keypair fromSecretKey(byte[] secretKey) {
        return new Keypair(SecretKey.ofBytes(secretKey));
    }

    /** As {@link #fromSecretKey}, of the form polkadot-js exports: the scalar multiplied by the cofactor 8. */
    static Keypair fromEd25519SecretKey(byte[] secretKey) {
        return new Keypair(SecretKey.ofEd25519Bytes(secretKey));
    }

    /**
     * The key of a secret URI: {@code phrase[//hard|/soft]*[///password]}. Without a phrase it is a development key that
     * everybody knows, such as {@code //Alice}.
     *
     * @throws IllegalArgumentException when it is malformed; the message does not repeat it
     */
    public static Keypair fromUri(CharSequence uri) {
        var parsed = SecretUri.parse(uri);
        var key = new Keypair(parsed.rootKey());
        for (var junction : parsed.path()) {
            try (var parent = key) {
                key = parent.derive(junction);
            }
        }
        return key;
    }

    /** The public key, which is the account id: 32 bytes of the caller's own. */
    public byte[] publicKey() {
        return publicKey.clone();
    }

    /** The SS58 address on Bittensor. */
    public String address() {
        return address;
    }

    /**
     * Signs a message as it is; two signatures of one message differ.
     *
     * @return {@value Sr25519#SIGNATURE_BYTES} bytes
     * @throws IllegalStateException when the key is closed
     */
    public synchronized byte[] sign(byte[] message) {
        requireOpen();
        return secret.sign(publicKey, message, RANDOM);
    }

    /** The secret as schnorrkel writes it, 64 bytes that the caller wipes. */
    synchronized byte[] secretKey() {
        requireOpen();
        return secret.bytes();
    }

    /** The key one step down a path. */
    synchronized Keypair derive(Junction junction) {
        requireOpen();
        return new Keypair(secret.derive(junction, publicKey, RANDOM));
    }

    @Override
    public synchronized void close() {
        closed = true;
        secret.close();
    }

    @Override
    public String toString() {
        return address;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the key of " + address + " is closed");
        }
    }
}
