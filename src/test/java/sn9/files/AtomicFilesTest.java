package sn9.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
    @TempDir
    Path folder;

    @Test
    void replacesAFileWhole() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "old and longer");
        AtomicFiles.write(file, "new".getBytes());
        assertThat(file).hasContent("new");
        assertThat(names(folder)).containsExactly("a");
    }

    @Test
    void aFullDiskLeavesTheOldFileAndNothingElse() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "old");
        assertThatThrownBy(() -> AtomicFiles.write(file, AtomicFilesTest::fillDisk))
                .hasMessageContaining("No space left on device");
        assertThatThrownBy(() -> AtomicFiles.write(folder.resolve("b"), AtomicFilesTest::fillDisk))
                .isInstanceOf(IOException.class);
        assertThat(file).hasContent("old");
        assertThat(names(folder)).containsExactly("a");
    }

    @Test
    void saysWhichFileCouldNotBeWritten() {
        Path file = folder.resolve("none").resolve("a");
        assertThatThrownBy(() -> AtomicFiles.write(file, new byte[1]))
                .hasMessageContaining("cannot write " + file)
                .hasMessageContaining("NoSuchFileException");
    }

    @Test
    void aPrivateFileIsItsOwnersFromBirth() throws IOException {
        Path file = folder.resolve("a");
        AtomicFiles.writePrivate(file, "one".getBytes(), false);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThatThrownBy(() -> AtomicFiles.writePrivate(file, "two".getBytes(), false))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(file).hasContent("one");
        AtomicFiles.writePrivate(file, "two".getBytes(), true);
        assertThat(file).hasContent("two");
        assertThat(names(folder)).containsExactly("a");
    }

    @Test
    void deletesWhatIsThereAndNothingElse() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "old");
        AtomicFiles.delete(file);
        AtomicFiles.delete(file);
        assertThat(names(folder)).isEmpty();
    }

    private static void fillDisk(FileChannel channel) throws IOException {
        channel.write(ByteBuffer.wrap(new byte[100]));
        throw new IOException("No space left on device");
    }

    private static TreeSet<String> names(Path dir) {
        return new TreeSet<>(Arrays.asList(dir.toFile().list()));
    }
}
