package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

/** Three small blobs of one runtime, in the three versions, which are inputs of the fuzz test too. */
class MetadataReaderTest {
    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16})
    void everyVersionSaysTheSame(int version) throws IOException {
        Metadata metadata = MetadataReader.read("test", blob(version));
        var pallet = metadata.pallet("Pallet").orElseThrow();
        assertThat(pallet.index()).isEqualTo(7);
        assertThat(pallet.constant("C").orElseThrow().value()).containsExactly(9);
        assertThat(pallet.docs()).hasSize(version == 14 ? 0 : 1);
        assertThat(Calls.encode(metadata, "Pallet", "set", Value.struct("n", Value.of(5))))
                .containsExactly(7, 7, 5);
        var item = StorageItem.of(metadata, "Pallet", "Item");
        assertThat(item.key(Value.of(3))).hasSize(32 + 8 + 1);
        assertThat(item.keysOf(item.key(Value.of(3)))).containsExactly(Value.of(3));
        assertThat(metadata.extrinsic().version()).isEqualTo(4);
        assertThat(metadata.extrinsic().extensions())
                .extracting(Metadata.Extension::identifier)
                .containsExactly("CheckNonce");
        assertThat(metadata.method("Api_get").isPresent()).isEqualTo(version > 14);
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 15, 16})
    void everyTruncationIsMalformed(int version) throws IOException {
        byte[] blob = blob(version);
        for (int length = 0; length < blob.length; length++) {
            byte[] part = Arrays.copyOf(blob, length);
            assertThatThrownBy(() -> MetadataReader.read("test", part)).isInstanceOf(MalformedDataException.class);
        }
        byte[] longer = Arrays.copyOf(blob, blob.length + 1);
        assertThatThrownBy(() -> MetadataReader.read("test", longer)).hasMessageContaining("expected the end");
    }

    @Test
    void missingThingsAreNamed() throws IOException {
        Metadata metadata = MetadataReader.read("test", blob(15));
        assertThatThrownBy(() -> StorageItem.of(metadata, "Pallet", "Other")).hasMessageContaining("Pallet.Other");
        assertThatThrownBy(() -> Calls.encode(metadata, "Moon", "land", Value.of(1)))
                .hasMessageContaining("Moon.land");
        assertThatThrownBy(() -> Calls.encode(metadata, "Pallet", "get", Value.of(1)))
                .hasMessageContaining("get");
    }

    @Test
    void otherVersionsAreRefused() {
        assertThatThrownBy(() -> MetadataReader.read("test", new byte[] {'m', 'e', 't', 'a', 13}))
                .hasMessageContaining("14, 15 or 16, found 13");
        assertThatThrownBy(() -> MetadataReader.read("test", new byte[] {1, 2, 3, 4, 14}))
                .hasMessageContaining("\"meta\"");
    }

    @Test
    void aMapWithMoreHashersThanKeysIsRefused() throws IOException {
        byte[] blob = blob(15);
        int hashers = indexOf(blob, new byte[] {1, 4, 5}); // a map of one hasher, Twox64Concat
        var more = new ScaleWriter()
                .bytes(Arrays.copyOf(blob, hashers))
                .bytes(new byte[] {1, 8, 5, 5})
                .bytes(Arrays.copyOfRange(blob, hashers + 3, blob.length));
        assertThatThrownBy(() -> MetadataReader.read("test", more.toBytes()))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("Item has 2 hashers and a key of type");
    }

    @Test
    void variantsThatCannotBeToldApartAreRefused() {
        byte[] twice = new ScaleWriter()
                .bytes(new byte[] {'m', 'e', 't', 'a', 15, 4, 0, 0, 0, 1, 8})
                .text("A")
                .bytes(new byte[] {0, 3, 0})
                .text("B")
                .bytes(new byte[] {0, 3, 0})
                .toBytes();
        assertThatThrownBy(() -> MetadataReader.read("test", twice))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("two variants of an enum have the index 3");
    }

    /** A line of documentation is a byte when it is empty, and much more in memory. */
    @Test
    void manySmallPartsAreRefusedBeforeTheyTakeMemory() {
        byte[] lines = new byte[4 << 20];
        byte[] blob = new ScaleWriter()
                .bytes(new byte[] {'m', 'e', 't', 'a', 15, 4, 0})
                .compact(lines.length)
                .bytes(lines)
                .toBytes();
        assertThatThrownBy(() -> MetadataReader.read("test", blob))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("too many items");
    }

    private static int indexOf(byte[] bytes, byte[] part) {
        for (int at = 0; at + part.length <= bytes.length; at++) {
            if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
                return at;
            }
        }
        throw new IllegalArgumentException("the part is not there");
    }

    private static byte[] blob(int version) throws IOException {
        String name = "ScaleFuzzTestInputs/anyBytesAreMetadataOrMalformed/version-" + version;
        try (var in = MetadataReaderTest.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        }
    }
}
