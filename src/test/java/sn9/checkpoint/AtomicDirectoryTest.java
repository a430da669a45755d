package sn9.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.files.AtomicFiles;

class AtomicDirectoryTest {
    @TempDir
    Path folder;

    @Test
    void replacesADirectoryAndCarriesOtherFilesOver() throws IOException {
        Path dir = directory("model", "config.json", "README.md", "model-00001-of-00002.safetensors");
        AtomicDirectory.replace(
                dir, AtomicDirectoryTest::ours, fresh -> Files.writeString(fresh.resolve("config.json"), "2"));
        assertThat(names(dir)).containsExactly("README.md", "config.json");
        assertThat(dir.resolve("config.json")).hasContent("2");
        assertThat(dir.resolve("README.md")).hasContent("1");
        assertThat(names(folder)).containsExactly("model");
    }

    @Test
    void aFullDiskLeavesTheOldDirectoryAndNothingElse() throws IOException {
        Path dir = directory("model", "config.json");
        assertThatThrownBy(() -> AtomicDirectory.replace(dir, AtomicDirectoryTest::ours, fresh -> {
                    Files.writeString(fresh.resolve("config.json"), "2");
                    AtomicFiles.write(fresh.resolve("model.safetensors"), AtomicDirectoryTest::fillDisk);
                }))
                .hasMessageContaining("No space left on device");
        assertThat(dir.resolve("config.json")).hasContent("1");
        assertThat(names(folder)).containsExactly("model");
    }

    @Test
    void repairsWhatACrashLeft() throws IOException {
        directory(".model.old", "config.json", "README.md");
        directory(".model.new", "config.json", ".model.safetensors.0.tmp");
        Path dir = folder.resolve("model");
        assertThatThrownBy(() -> AtomicDirectory.replace(dir, AtomicDirectoryTest::ours, fresh -> {
                    throw new IOException("stop");
                }))
                .hasMessage("stop");
        assertThat(names(folder)).containsExactly("model");
        assertThat(names(dir)).containsExactly("README.md", "config.json");
    }

    @Test
    void neverReplacesATreeOrAFile() throws IOException {
        Path dir = directory("home", "config.json");
        Files.createDirectory(dir.resolve("documents"));
        assertThatThrownBy(() -> AtomicDirectory.replace(dir, AtomicDirectoryTest::ours, fresh -> {}))
                .isInstanceOf(FileAlreadyExistsException.class)
                .hasMessageContaining("holds documents");
        assertThatThrownBy(() ->
                        AtomicDirectory.replace(dir.resolve("config.json"), AtomicDirectoryTest::ours, fresh -> {}))
                .hasMessageContaining("is a file");
        assertThat(names(dir)).containsExactly("config.json", "documents");
    }

    @Test
    void aLinkedDirectoryIsReplacedWhereItReallyIs() throws IOException {
        Path dir = directory("real", "config.json");
        Path link = Files.createSymbolicLink(folder.resolve("link"), dir);
        AtomicDirectory.replace(
                link, AtomicDirectoryTest::ours, fresh -> Files.writeString(fresh.resolve("config.json"), "2"));
        assertThat(dir.resolve("config.json")).hasContent("2");
        assertThat(names(folder)).containsExactly("link", "real");
        assertThat(link).isSymbolicLink();
    }

    private Path directory(String name, String... files) throws IOException {
        Path dir = Files.createDirectory(folder.resolve(name));
        for (String file : files) {
            Files.writeString(dir.resolve(file), "1");
        }
        return dir;
    }

    private static boolean ours(String name) {
        return !name.endsWith(".md");
    }

    private static void fillDisk(FileChannel channel) throws IOException {
        channel.write(ByteBuffer.wrap(new byte[100]));
        throw new IOException("No space left on device");
    }

    private static TreeSet<String> names(Path dir) {
        return new TreeSet<>(Arrays.asList(dir.toFile().list()));
    }
}
