package sn9.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import sn9.engine.Engines;
import sn9.testing.HostBuild;
import sn9.testing.TinyModel;

/** What a user reads when the NVIDIA driver is in some state; the host build of the kernels plays the driver. */
class DriverStatesTest {
    private static final String CUDA_LIBRARY = "sn9.cuda.library";

    @TempDir
    private Path folder;

    private final Logger log = (Logger) LoggerFactory.getLogger(Engines.class);
    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();

    @BeforeEach
    void playAGpu() {
        assumeTrue(Files.exists(HostBuild.LIBRARY), HostBuild.LIBRARY + " was not built");
        System.setProperty(CUDA_LIBRARY, HostBuild.LIBRARY.toString());
        logged.start();
        log.addAppender(logged);
    }

    @AfterEach
    void stop() {
        log.detachAppender(logged);
        System.clearProperty(CUDA_LIBRARY);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    35 | the NVIDIA driver is older than CUDA 13 needs: update it to 580 or newer
                    46 | every NVIDIA device is in use by a process that has it for itself (exclusive mode)
                    100 | the NVIDIA driver finds no device: look at nvidia-smi and CUDA_VISIBLE_DEVICES
                    802 | the NVIDIA driver is not ready: on NVSwitch machines start nvidia-fabricmanager
                    803 | the NVIDIA driver and its libraries have different versions: reboot, or reinstall the driver
                    999 | the NVIDIA driver cannot be used
                    """)
    void aDriverThatCannotBeUsedIsOneLineOfExplanation(int code, String sentence) throws IOException {
        String reason = sentence + " (CUDA error " + code + ")";
        try (var _ = HostBuild.with("driver", code)) {
            CommandLineRun devices = CommandLineRun.of("devices", "--json");
            assertThat(devices.exitCode()).isZero();
            assertThat(devices.err()).contains("cuda: none, " + reason + ".");
            JsonNode answer = json(devices);
            assertThat(answer.get("devices")).hasSize(1);
            assertThat(answer.get("missing").get(0).get("reason").asText()).isEqualTo(reason);

            CommandLineRun auto = eval("auto");
            assertThat(auto.exitCode()).isZero();
            assertThat(json(auto).get("device").asText()).isEqualTo("cpu");
            assertThat(logged.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .containsExactly("device=cpu reason=\"" + reason + "\" silence=\"--device cpu\"");

            CommandLineRun cuda = eval("cuda");
            assertThat(cuda.exitCode()).isEqualTo(ExitCode.ENGINE);
            assertThat(cuda.err())
                    .contains("sn9 eval: --device cuda: " + reason + "; use --device cpu or auto")
                    .doesNotContain("\tat ");
            assertThat(cuda.out()).isEmpty();
        }
    }

    @Test
    void aDriverThatWorksIsTaken() throws IOException {
        JsonNode devices = json(CommandLineRun.of("devices", "--json"));
        assertThat(devices.get("missing")).isEmpty();
        assertThat(devices.get("devices").get(1).get("device").asText()).isEqualTo("cuda:0");
        JsonNode auto = json(eval("auto"));
        assertThat(auto.get("device").asText()).isEqualTo("cuda:0");
        assertThat(auto.get("mean_loss").asDouble())
                .isCloseTo(json(eval("cpu")).get("mean_loss").asDouble(), within(1e-6));
        assertThat(logged.list).as("nothing to explain").isEmpty();
        assertThat(eval("cuda:1").err()).contains("device 1; there are 1, counted from 0");
    }

    @Test
    void aLibraryThatIsNotThereIsNamed() throws IOException {
        System.setProperty(CUDA_LIBRARY, folder.resolve("libsn9none.so").toString());
        CommandLineRun run = eval("cuda");
        assertThat(run.exitCode()).isEqualTo(ExitCode.ENGINE);
        assertThat(run.err()).contains("libsn9none.so does not load");
        assertThat(json(eval("auto")).get("device").asText()).isEqualTo("cpu");
    }

    private CommandLineRun eval(String device) throws IOException {
        Path model = folder.resolve("model");
        Path tokens = folder.resolve("tokens.safetensors");
        if (!Files.exists(model)) {
            TinyModel.write(model, 1);
            byte[] header = "{\"tokens\":{\"dtype\":\"I32\",\"shape\":[1,3],\"data_offsets\":[0,12]}}"
                    .getBytes(StandardCharsets.UTF_8);
            var file = ByteBuffer.allocate(8 + header.length + 12).order(ByteOrder.LITTLE_ENDIAN);
            Files.write(
                    tokens,
                    file.putLong(header.length)
                            .put(header)
                            .putInt(1)
                            .putInt(2)
                            .putInt(3)
                            .array());
        }
        return CommandLineRun.of("eval", "--model_dir=" + model, "--tokens=" + tokens, "--device=" + device, "--json");
    }

    private static JsonNode json(CommandLineRun run) throws IOException {
        return new ObjectMapper().readTree(run.out());
    }
}
