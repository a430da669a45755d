package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import sn9.MalformedDataException;

/**
 * Any bytes are a config that can be computed or malformed. Runs over its inputs as an ordinary test;
 * {@code JAZZER_FUZZ=1} and {@code -Dtest=HfConfigFuzzTest} search for new ones, guided by coverage.
 */
class HfConfigFuzzTest {
    @FuzzTest(maxDuration = "30s")
    void anyBytesAreAConfigOrMalformed(byte[] bytes) {
        try {
            HfConfig config = HfConfigReader.read(
                    "fuzz", StrictJson.readObject("fuzz", ByteBuffer.wrap(bytes), HfConfigReader.BOUNDS));
            assertThat(config.shape().parameterCount()).isPositive();
            assertThat(config.architecture()).isEqualTo(HfConfig.GPT2);
        } catch (MalformedDataException e) {
            assertThat(e.getMessage()).startsWith("fuzz").hasSizeLessThan(1000);
        }
    }
}
