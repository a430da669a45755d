package sn9.miner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);

    @TempDir
    Path dir;

    @Test
    void isNamedAfterItsStart() throws Exception {
        assertThat(RunDirectory.create(dir, NOW).folder()).isEqualTo(dir.resolve("training/2026-01-02_03-04-05"));
        assertThat(RunDirectory.create(dir, NOW).id()).as("of the same second").isEqualTo("2026-01-02_03-04-05-2");
    }

    @Test
    void latestIsTheOneSavedLast() throws Exception {
        assertThatThrownBy(() -> RunDirectory.latest(dir)).isInstanceOf(NoSuchFileException.class);
        var first = RunDirectory.create(dir, NOW);
        var second = RunDirectory.create(dir, NOW.plusHours(1));
        RunDirectory.create(dir, NOW.plusHours(2)); // saved nothing
        saved(first, 200);
        saved(second, 100);
        assertThat(RunDirectory.latest(dir)).isEqualTo(first);
    }

    private static void saved(RunDirectory run, long second) throws Exception {
        Files.createFile(run.checkpoint());
        Files.setLastModifiedTime(run.checkpoint(), FileTime.from(Instant.ofEpochSecond(second)));
    }
}
