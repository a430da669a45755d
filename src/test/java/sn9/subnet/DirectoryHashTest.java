package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryHashTest {
    private static final String EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    private static final String THREE_FILES = "1Pi1HyQbqe9FShGMZ2Y6js5rOGZC09eNOuWawKUT0J0=";
    private static final List<String> MODEL = List.of("model.safetensors", "config.json", "generation_config.json");

    @TempDir
    Path dir;

    @BeforeEach
    void writeThePublishedFiles() throws IOException {
        byte[] counting = new byte[1024];
        for (int i = 0; i < counting.length; i++) {
            counting[i] = (byte) i;
        }
        Files.writeString(dir.resolve("config.json"), "{\"a\":1}\n");
        Files.writeString(dir.resolve("generation_config.json"), "{}\n");
        Files.write(dir.resolve("model.safetensors"), counting);
    }

    @Test
    void hashesThePublishedFiles() throws IOException {
        assertThat(DirectoryHash.ofFile(dir.resolve("config.json")))
                .isEqualTo("40ZDICGwQXlRjZYU81YMzXE1Sk7hAd3LiT1pWanWMBw=");
        assertThat(DirectoryHash.ofFile(dir.resolve("generation_config.json")))
                .isEqualTo("yj0WO6sFU4GCciYUBWjzvvfqrBh869doeOC2Pp5EI1Y=");
        assertThat(DirectoryHash.ofFile(dir.resolve("model.safetensors")))
                .isEqualTo("eFsHUfwsU9wUpM49gA5p75zhAJ6zJ8z0WK/gnCQsJsk=");
        assertThat(DirectoryHash.of(dir)).isEqualTo(THREE_FILES);
    }

    @Test
    void hashesSubdirectoriesAfterFiles() throws IOException {
        Files.writeString(Files.createDirectory(dir.resolve("sub")).resolve("x.txt"), "x");
        assertThat(DirectoryHash.ofFile(dir.resolve("sub/x.txt")))
                .isEqualTo("LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=");
        assertThat(DirectoryHash.of(dir)).isEqualTo("fTM1vpXv3Ppblxfvm8Iz3u3Zp0eCUc8g+J36FElh5LQ=");
        Files.move(dir.resolve("sub"), dir.resolve("aaa"));
        assertThat(DirectoryHash.of(dir)).isEqualTo("fTM1vpXv3Ppblxfvm8Iz3u3Zp0eCUc8g+J36FElh5LQ=");
    }

    @Test
    void emptyFileAndEmptyDirectoryHashAlike() throws IOException {
        Path empty = Files.createDirectory(dir.resolve("empty"));
        assertThat(DirectoryHash.of(empty)).isEqualTo(EMPTY);
        assertThat(DirectoryHash.ofFile(Files.createFile(dir.resolve("none")))).isEqualTo(EMPTY);
    }

    @Test
    void otherFilesDoNotEnterAListedHash() throws IOException {
        Files.writeString(dir.resolve("README.md"), "hello");
        Files.writeString(Files.createDirectory(dir.resolve("sub")).resolve("x.txt"), "x");
        assertThat(DirectoryHash.of(dir, MODEL)).isEqualTo(THREE_FILES);
        assertThat(DirectoryHash.of(dir)).isNotEqualTo(THREE_FILES);
    }

    @Test
    void aListOfEverythingHashesLikeTheWalk() throws Exception {
        List<String> paths = List.of("b/z", "b/c/a", "b/c/z", "a/z", "b.txt", "\uD83D\uDE00", "\uFF5E", "Z", "b/a");
        Path tree = Files.createDirectory(dir.resolve("tree"));
        for (String path : paths) {
            Files.createDirectories(tree.resolve(path).getParent());
            Files.writeString(tree.resolve(path), path);
        }
        // Code points, not UTF-16 units: U+FF5E stands before U+1F600.
        List<String> walk = List.of("Z", "b.txt", "\uFF5E", "\uD83D\uDE00", "a/z", "b/a", "b/z", "b/c/a", "b/c/z");
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (String path : walk) {
            byte[] content = MessageDigest.getInstance("SHA-256").digest(path.getBytes(StandardCharsets.UTF_8));
            digest.update(Base64.getEncoder().encode(content));
        }
        String expected = Base64.getEncoder().encodeToString(digest.digest());
        assertThat(DirectoryHash.of(tree)).isEqualTo(expected);
        assertThat(DirectoryHash.of(tree, paths)).isEqualTo(expected);
    }

    @Test
    void followsLinksToFilesButNotToDirectories() throws IOException {
        Path linked = Files.createDirectory(dir.resolve("linked"));
        for (String file : MODEL) {
            Files.createSymbolicLink(linked.resolve(file), dir.resolve(file));
        }
        Files.createSymbolicLink(linked.resolve("loop"), dir);
        assertThat(DirectoryHash.of(linked)).isEqualTo(THREE_FILES);
    }

    @Test
    void refusesMissingFilesAndPathsThatLeaveTheDirectory() throws IOException {
        assertThatThrownBy(() -> DirectoryHash.of(dir, List.of("absent.json"))).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> DirectoryHash.of(dir, List.of("../x"))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> DirectoryHash.of(dir, List.of("/etc/hostname")))
                .isInstanceOf(IllegalArgumentException.class);
        Files.createDirectory(dir.resolve("sub"));
        assertThatThrownBy(() -> DirectoryHash.of(dir, List.of("sub")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not a regular file");
    }
}
