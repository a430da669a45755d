package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.MemorySegment;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.tensor.FiniteScan;
import sn9.tensor.TensorView;

/**
 * Any bytes are a safetensors file or malformed. Runs over its inputs as an ordinary test; {@code JAZZER_FUZZ=1} and
 * {@code -Dtest=SafetensorsFuzzTest} search for new ones, guided by coverage.
 */
class SafetensorsFuzzTest {
    private static final Gpt2Config SHAPE = new Gpt2Config(2, 1, 1, 1, 1, 1e-5f);

    @FuzzTest(maxDuration = "30s")
    void anyBytesAreTensorsOrMalformed(byte[] bytes) {
        try {
            SafetensorsHeader header = SafetensorsHeader.parse("fuzz", MemorySegment.ofArray(bytes));
            long sum = 0;
            for (TensorView tensor : header.tensors().values()) {
                assertThat(tensor.data().byteSize())
                        .isEqualTo(tensor.elements() * tensor.type().bytes());
                sum += tensor.data().byteSize();
            }
            assertThat(sum).isLessThan(bytes.length);
            for (TensorView parameter : Gpt2Tensors.resolve("fuzz", SHAPE, header.tensors(), header.otherTensors())
                    .values()) {
                FiniteScan.firstNonFinite(parameter);
            }
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
        }
    }
}
