package sn9.chain.scale;

import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bouncycastle.crypto.digests.Blake2bDigest;

/**
 * How a key of a map becomes a part of a storage key (spec/chain.md 4), in the order of their tags in metadata
 * (paritytech/frame-metadata:frame-metadata/src/v14.rs).
 */
public enum StorageHasher {
    BLAKE2_128(16, false) {
        @Override
        byte[] digest(byte[] key) {
            return blake2b(key, 16);
        }
    },
    BLAKE2_256(32, false) {
        @Override
        byte[] digest(byte[] key) {
            return blake2b(key, 32);
        }
    },
    BLAKE2_128_CONCAT(16, true) {
        @Override
        byte[] digest(byte[] key) {
            return blake2b(key, 16);
        }
    },
    TWOX_128(16, false) {
        @Override
        byte[] digest(byte[] key) {
            return twox(key, 2);
        }
    },
    TWOX_256(32, false) {
        @Override
        byte[] digest(byte[] key) {
            return twox(key, 4);
        }
    },
    TWOX_64_CONCAT(8, true) {
        @Override
        byte[] digest(byte[] key) {
            return twox(key, 1);
        }
    },
    IDENTITY(0, true) {
        @Override
        byte[] digest(byte[] key) {
            return new byte[0];
        }
    };

    private final int digestBytes;
    private final boolean keepsKey;

    StorageHasher(int digestBytes, boolean keepsKey) {
        this.digestBytes = digestBytes;
        this.keepsKey = keepsKey;
    }

    abstract byte[] digest(byte[] key);

    /** Bytes of the digest that stands before the key. */
    public int digestBytes() {
        return digestBytes;
    }

    /** Whether the key itself follows the digest, so that it can be read back. */
    public boolean keepsKey() {
        return keepsKey;
    }

    /** The part of a storage key that stands for an encoded key. */
    public byte[] hash(byte[] key) {
        byte[] digest = digest(key);
        if (!keepsKey) {
            return digest;
        }
        return ByteBuffer.allocate(digest.length + key.length)
                .put(digest)
                .put(key)
                .array();
    }

    /** BLAKE2b with a digest of {@code bytes} bytes, no truncation of a longer one. */
    public static byte[] blake2b(byte[] message, int bytes) {
        var blake = new Blake2bDigest(bytes * Byte.SIZE);
        blake.update(message, 0, message.length);
        byte[] digest = new byte[bytes];
        blake.doFinal(digest, 0);
        return digest;
    }

    /** xxHash64 with the seeds 0, 1 and so on, 8 bytes each. */
    private static byte[] twox(byte[] message, int words) {
        ByteBuffer digest = ByteBuffer.allocate(words * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int seed = 0; seed < words; seed++) {
            digest.putLong(Hashing.xxh64(seed).hashBytesToLong(message));
        }
        return digest.array();
    }
}
