package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.List;
import sn9.MalformedDataException;

/**
 * Any bytes are values, metadata or malformed. Runs over its inputs as an ordinary test; {@code JAZZER_FUZZ=1} and
 * {@code -Dtest=ScaleFuzzTest#METHOD} search for new ones, guided by coverage.
 */
class ScaleFuzzTest {
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAValueOrMalformed(byte[] bytes) {
        if (bytes.length == 0) {
            return;
        }
        int type = (bytes[0] & 0xFF) % ValueTest.TYPES.types().size();
        byte[] rest = Arrays.copyOfRange(bytes, 1, bytes.length);
        try {
            Value value = ValueTest.TYPES.read(type, "fuzz", rest);
            if (!(ValueTest.TYPES.definition(type) instanceof TypeDefinition.BitSequence)) {
                assertThat(ValueTest.TYPES.bytes(type, value)).isEqualTo(rest);
            }
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
        }
    }

    /** Whatever passes as metadata can be used: its types read, its storage keyed, its extensions judged. */
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreMetadataOrMalformed(byte[] bytes) {
        try {
            Metadata metadata = MetadataReader.read("fuzz", bytes);
            for (int type = 0; type < Math.min(20, metadata.types().types().size()); type++) {
                metadata.types().describe(type);
                metadata.types().isEmpty(type);
            }
            for (var pallet : metadata.pallets()) {
                for (var entry : pallet.storage().map(Metadata.Storage::entries).orElse(List.of())) {
                    var item = StorageItem.of(metadata, pallet.name(), entry.name());
                    assertThat(item.key()).hasSize(32);
                    keysOrMalformed(item, bytes);
                }
            }
            new ExtrinsicFormat(metadata);
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).hasSizeLessThan(2000);
        }
    }

    /** Keys that are read out of any bytes make the same storage key again. */
    private static void keysOrMalformed(StorageItem item, byte[] bytes) {
        var key = new ScaleWriter().bytes(item.prefix()).bytes(bytes).toBytes();
        try {
            item.key(item.keysOf(key).toArray(Value[]::new));
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).hasSizeLessThan(2000);
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageContaining("bits are read, not written");
        }
    }
}
