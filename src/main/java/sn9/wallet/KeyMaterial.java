package sn9.wallet;

import java.util.Arrays;

/**
 * A key with what it was made of, as a keyfile keeps them: words, seed, or neither for a derived one. Closing it wipes
 * all, the key too.
 */
public final class KeyMaterial implements AutoCloseable {
    private final Keypair keypair;
    private final char[] phrase; // null without words
    private final byte[] seed; // null when only the expanded secret is known

    private KeyMaterial(Keypair keypair, char[] phrase, byte[] seed) {
        this.keypair = keypair;
        this.phrase = phrase;
        this.seed = seed;
    }

    /** Of words. */
    public static KeyMaterial of(Mnemonic mnemonic) {
        byte[] seed = mnemonic.seed("");
        return new KeyMaterial(Keypair.fromSeed(seed), mnemonic.phrase(), seed);
    }

    /** Of a mini secret of 32 bytes, which the caller wipes. */
    public static KeyMaterial ofSeed(byte[] seed) {
        return new KeyMaterial(Keypair.fromSeed(seed), null, seed.clone());
    }

    /** Of a key alone, which is closed with this. */
    public static KeyMaterial of(Keypair keypair) {
        return new KeyMaterial(keypair, null, null);
    }

    /** The key, closed with this. */
    public Keypair keypair() {
        return keypair;
    }

    /** The content of a keyfile, which the caller wipes. */
    byte[] keyfile() {
        byte[] secret = keypair.secretKey();
        try (var content = new KeyfileWriter()) {
            content.publicKey(keypair.publicKey());
            content.hex("privateKey", secret);
            if (phrase != null) {
                content.text("secretPhrase", phrase);
            }
            if (seed != null) {
                content.hex("secretSeed", seed);
            }
            content.text("ss58Address", keypair.address().toCharArray());
            return content.json();
        } finally {
            Arrays.fill(secret, (byte) 0);
        }
    }

    @Override
    public void close() {
        keypair.close();
        if (phrase != null) {
            Arrays.fill(phrase, '\0');
        }
        if (seed != null) {
            Arrays.fill(seed, (byte) 0);
        }
    }

    @Override
    public String toString() {
        return keypair.toString();
    }
}
