package sn9.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileTreeTest {
    @TempDir
    Path folder;

    Path tree;
    Path outside;

    @BeforeEach
    void plant() throws IOException {
        tree = Files.createDirectories(folder.resolve("tree"));
        outside = Files.createDirectories(folder.resolve("outside"));
        Files.createDirectories(tree.resolve("a/b"));
        Files.write(tree.resolve("a/b/file"), new byte[1000]);
        Files.write(outside.resolve("kept"), new byte[500]);
    }

    @Test
    void deletesATreeAndNotWhatItsLinksPointTo() throws IOException {
        Files.createSymbolicLink(tree.resolve("a/link"), outside);
        Files.createSymbolicLink(tree.resolve("dangling"), folder.resolve("nowhere"));
        FileTree.delete(tree);
        assertThat(tree).doesNotExist();
        assertThat(outside.resolve("kept")).exists();
        FileTree.delete(tree); // nothing there is nothing to do
    }

    @Test
    void deletesALinkInPlaceOfATree() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), outside);
        FileTree.delete(link);
        assertThat(link).doesNotExist();
        assertThat(outside.resolve("kept")).exists();
    }

    @Test
    void createsWhatOthersDeleteMeanwhile() throws Exception {
        Path parent = folder.resolve("contested");
        var ended = new AtomicBoolean();
        Thread deleting = Thread.startVirtualThread(() -> {
            while (!ended.get()) {
                try {
                    FileTree.delete(parent);
                } catch (IOException e) {
                    // Not empty again: created once more.
                }
            }
        });
        try {
            for (int i = 0; i < 20_000; i++) {
                FileTree.create(parent.resolve("child"));
            }
        } finally {
            ended.set(true);
            deleting.join();
        }
    }

    @Test
    void createsNothingThroughALinkToNowhereNorInAFile() throws IOException {
        Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("nowhere"));
        for (Path place : List.of(dangling, dangling.resolve("x"))) {
            assertThatThrownBy(() -> FileTree.create(place)).isInstanceOf(FileAlreadyExistsException.class);
        }
        assertThatThrownBy(() -> FileTree.create(tree.resolve("a/b/file/x"))).isInstanceOf(IOException.class);
        assertThat(FileTree.create(tree.resolve("c/d"))).isDirectory();
    }

    @Test
    void aFileWithTwoNamesTakesItsRoomOnce() throws IOException {
        Files.createLink(tree.resolve("again"), tree.resolve("a/b/file"));
        Files.write(tree.resolve("other"), new byte[24]);
        assertThat(FileTree.size(tree)).isEqualTo(1024);
        assertThat(FileTree.size(folder.resolve("nowhere"))).isZero();
    }

    @Test
    void theLatestChangeCountsHoweverDeepItIs() throws IOException {
        Instant later = Instant.parse("2100-01-01T00:00:00Z");
        Files.setLastModifiedTime(tree.resolve("a/b/file"), FileTime.from(later));
        assertThat(FileTree.newest(tree)).isEqualTo(later);
        assertThat(FileTree.newest(folder.resolve("nowhere"))).isEqualTo(Instant.EPOCH);
    }

    @Test
    void childrenOfNothingAreNone() throws IOException {
        assertThat(FileTree.children(folder)).containsExactlyInAnyOrder(tree, outside);
        assertThat(FileTree.children(folder.resolve("nowhere"))).isEmpty();
    }
}
