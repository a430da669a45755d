package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class DurableFileTest {
    private static final Path LOCKS = Path.of("/proc/locks");

    @TempDir
    Path folder;

    @Test
    void isAbsentOrWhole() throws Exception {
        var file = new DurableFile(folder.resolve("a"));
        assertThat(file.read()).isEmpty();
        file.write(new byte[] {1, 2});
        assertThat(file.read().orElseThrow()).containsExactly(1, 2);
        file.delete();
        assertThat(file.read()).isEmpty();
        Files.write(folder.resolve("a"), new byte[(1 << 20) + 1]);
        assertThatThrownBy(file::read).hasMessageContaining("it is not ours");
    }

    /** A thread that waits in vain, and closes what it had opened for that, must not end the lock of the other. */
    @Test
    void waitersOfThisProcessLeaveItsLockAlone() throws Exception {
        assumeTrue(Files.isReadable(LOCKS), "the kernel lists its locks in /proc/locks on Linux only");
        var file = new DurableFile(folder.resolve("new").resolve("a"));
        try (var _ = file.lock(Deadline.in(Duration.ofSeconds(10)))) {
            assertThat(isLocked()).isTrue();
            assertThatThrownBy(() -> file.lock(Deadline.in(Duration.ofMillis(120))))
                    .isInstanceOf(ChainException.class)
                    .hasMessageContaining("a.lock is held");
            assertThat(isLocked()).isTrue();
        }
        assertThat(isLocked()).isFalse();
        file.lock(Deadline.in(Duration.ofMillis(120))).close();
    }

    private boolean isLocked() throws Exception {
        Object inode = Files.getAttribute(folder.resolve("new").resolve("a.lock"), "unix:ino");
        return Files.readString(LOCKS)
                .lines()
                .anyMatch(line ->
                        line.contains(" " + ProcessHandle.current().pid() + " ") && line.contains(":" + inode + " "));
    }
}
