package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import sn9.MalformedDataException;
import sn9.tensor.TensorView;

/**
 * Any bytes are a state dict or malformed: as a whole archive, as its pickle, and as a pickle in a good archive. Runs over
 * its inputs as an ordinary test; {@code JAZZER_FUZZ=1} and {@code -Dtest=TorchPickleFuzzTest#METHOD} search for new ones.
 */
class TorchPickleFuzzTest {
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAnArchiveOrMalformed(byte[] bytes) {
        try {
            long size = TorchArchive.entries("fuzz", MemorySegment.ofArray(bytes)).values().stream()
                    .mapToLong(MemorySegment::byteSize)
                    .sum();
            assertThat(size).isLessThan(bytes.length);
            check(TorchPickle.parse("fuzz", MemorySegment.ofArray(bytes)), bytes.length);
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
        }
    }

    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAPickleOrMalformed(byte[] bytes) {
        try {
            assertThat(Pickle.read("fuzz", bytes)).hasSizeLessThan(bytes.length);
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
        }
    }

    @FuzzTest(maxDuration = "30s")
    void anyPickleInAGoodArchiveIsAStateDictOrMalformed(byte[] pickle) {
        var entries = new LinkedHashMap<String, byte[]>();
        entries.put("archive/data.pkl", pickle);
        entries.put("archive/data/0", new byte[64]);
        byte[] file = TorchBytes.archive(entries);
        try {
            check(TorchPickle.parse("fuzz", MemorySegment.ofArray(file)), file.length);
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
        }
    }

    private static void check(TorchPickle.Contents contents, long fileBytes) {
        for (TensorView tensor : contents.tensors().values()) {
            assertThat(tensor.data().byteSize())
                    .isEqualTo(tensor.elements() * tensor.type().bytes())
                    .isLessThan(fileBytes);
        }
    }
}
