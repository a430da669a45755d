package sn9.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process has used of memory, as the operating system counts it. */
final class ProcessMemory {
    private ProcessMemory() {}

    /** VmHWM in MiB, the largest resident set so far with mapped pages included; null where it cannot be told. */
    static Double peakRssMib() {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .map(line -> Double.valueOf(line.replaceAll("[^0-9]", "")) / 1024)
                    .findFirst()
                    .orElse(null);
        } catch (IOException e) {
            return null; // not Linux
        }
    }
}
