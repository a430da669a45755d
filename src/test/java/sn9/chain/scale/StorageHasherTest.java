package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class StorageHasherTest {
    @Test
    void hashesAreTheVectors() throws IOException {
        for (var vector : Vectors.small("hashes")) {
            byte[] input = Vectors.hex(vector.get("input"));
            String text = vector.get("input").asText().substring(2);
            assertThat(Vectors.hex(StorageHasher.TWOX_64_CONCAT.hash(input)))
                    .isEqualTo(vector.get("twox64").asText() + text);
            assertThat(Vectors.hex(StorageHasher.TWOX_128.hash(input)))
                    .isEqualTo(vector.get("twox128").asText());
            assertThat(Vectors.hex(StorageHasher.TWOX_256.hash(input)))
                    .isEqualTo(vector.get("twox256").asText());
            assertThat(Vectors.hex(StorageHasher.BLAKE2_128.hash(input)))
                    .isEqualTo(vector.get("blake2_128").asText());
            assertThat(Vectors.hex(StorageHasher.BLAKE2_128_CONCAT.hash(input)))
                    .isEqualTo(vector.get("blake2_128").asText() + text);
            assertThat(Vectors.hex(StorageHasher.BLAKE2_256.hash(input)))
                    .isEqualTo(vector.get("blake2_256").asText());
            assertThat(Vectors.hex(StorageHasher.blake2b(input, 64)))
                    .isEqualTo(vector.get("blake2_512").asText());
            assertThat(StorageHasher.IDENTITY.hash(input)).isEqualTo(input);
        }
    }
}
