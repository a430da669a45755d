package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

class KeccakF1600Test {
    private static final int RATE = 136;

    @Property(tries = 200)
    void givesSha3OfTheJdk(@ForAll @Size(max = 600) byte[] message) throws Exception {
        assertThat(sha3(message))
                .isEqualTo(MessageDigest.getInstance("SHA3-256").digest(message));
    }

    /** SHA3-256 (FIPS 202, section 6.1) over our permutation. */
    private static byte[] sha3(byte[] message) {
        byte[] padded = Arrays.copyOf(message, (message.length / RATE + 1) * RATE);
        padded[message.length] ^= 0x06;
        padded[padded.length - 1] ^= (byte) 0x80;
        var input = ByteBuffer.wrap(padded).order(ByteOrder.LITTLE_ENDIAN);
        long[] lanes = new long[KeccakF1600.LANES];
        while (input.hasRemaining()) {
            for (int i = 0; i < RATE / Long.BYTES; i++) {
                lanes[i] ^= input.getLong();
            }
            KeccakF1600.permute(lanes);
        }
        var digest = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 4; i++) {
            digest.putLong(lanes[i]);
        }
        return digest.array();
    }
}
