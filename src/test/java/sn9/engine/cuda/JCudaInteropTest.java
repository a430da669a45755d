package sn9.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** JCuda, unchanged, on our buffers: over a substitute libcuda.so.1 (native/test/driver) and the host build's memory. */
class JCudaInteropTest {
    private static final Path DRIVER = Path.of(System.getProperty("sn9.native.dir"), "driver", "libcuda.so.1")
            .toAbsolutePath();

    @TempDir
    private Path folder;

    /** Runs {@link JCudaProgram} on a device, with a library path and the class path's jars of which some are left out. */
    private String run(String device, String libraryPath, Predicate<String> jars) throws Exception {
        assumeTrue(Files.exists(DRIVER), DRIVER + " was not built");
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(jars)
                .collect(Collectors.joining(File.pathSeparator));
        Path output = folder.resolve("output");
        var builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djava.io.tmpdir=" + folder, // JCuda unpacks its natives there
                        "-Dsn9.native.dir=" + System.getProperty("sn9.native.dir"),
                        "-cp",
                        classPath,
                        JCudaProgram.class.getName(),
                        device)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("LD_LIBRARY_PATH", libraryPath);
        Process program = builder.start();
        assertThat(program.waitFor(120, TimeUnit.SECONDS)).isTrue();
        String text = text(output);
        assertThat(program.exitValue()).as(text).isZero();
        return text;
    }

    private static String text(Path output) throws IOException {
        return Files.readString(output, StandardCharsets.UTF_8);
    }

    @Test
    void jcudaWorksOnOurBuffersInOurStream() throws Exception {
        List<String> lines = run("cudahost", DRIVER.getParent().toString(), _ -> true)
                .lines()
                .toList();
        String stream = lines.stream()
                .filter(line -> line.startsWith("stream "))
                .findFirst()
                .orElseThrow()
                .substring("stream ".length());
        assertThat(stream).isNotEqualTo("0");
        assertThat(lines)
                .contains("values [7.0, 7.0, 7.0, 3.0]")
                .containsSubsequence(
                        "cuInit 0 0",
                        "cuDeviceGet 0 0",
                        "cuDevicePrimaryCtxRetain 0 0",
                        "cuCtxSetCurrent 0 0",
                        "cuMemcpyDtoDAsync 0 " + stream,
                        "cuStreamSynchronize 0 " + stream,
                        "cuMemcpyHtoD 0 0",
                        "cuDevicePrimaryCtxRelease 0 0");
    }

    @Test
    void saysWhatIsMissing() throws Exception {
        assertThat(run("cpu", DRIVER.getParent().toString(), _ -> true))
                .contains("refused: stream_native: the CPU has no streams");
        assertThat(run("cudahost", DRIVER.getParent().toString(), jar -> !jar.contains("jcuda-natives")))
                .contains("refused: JCuda's native library does not load", "jcuda-natives 12.6.0");
    }
}
