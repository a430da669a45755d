package sn9.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** A GPU that the tests were told to expect is never skipped in silence. */
class DevicesTest {
    private static final Function<String, Optional<String>> NO_GPU =
            name -> name.equals("cuda") ? Optional.of("no driver") : Optional.empty();

    @Test
    void leavesOutWhatIsMissing() {
        assertThat(Devices.here("", NO_GPU)).containsExactly("cpu", "cudahost");
        assertThat(Devices.here("cpu, cudahost", NO_GPU)).containsExactly("cpu", "cudahost");
        assertThat(Devices.here("cuda", name -> Optional.empty())).containsExactly("cpu", "cudahost", "cuda");
    }

    @Test
    void failsWhereARequiredDeviceIsMissing() {
        assertThatThrownBy(() -> Devices.here("cudahost,cuda", NO_GPU))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("-Dsn9.require=cudahost,cuda, but there is no cuda device to test on: no driver");
    }

    @Test
    void refusesToRequireWhatDoesNotExist() {
        assertThatThrownBy(() -> Devices.here("gpu", NO_GPU))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("-Dsn9.require=gpu: expected some of cpu, cudahost, cuda, separated by commas");
    }
}
