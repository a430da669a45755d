package sn9.localnet.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartHashesTest {
    private static final int PART = 1000;

    @TempDir
    private Path dir;

    /** Parts come in any order, some of them twice and first with other bytes; the hash is that of the last ones. */
    @Property(tries = 200)
    void theHashIsThatOfWhatWasWrittenLast(@ForAll @IntRange(min = 1, max = 5500) int bytes, @ForAll long seed)
            throws Exception {
        var random = new Random(seed);
        byte[] content = new byte[bytes];
        random.nextBytes(content);
        Path file = Files.createTempFile("parts", ".bin");
        try {
            var hashes = new PartHashes(file, bytes, PART);
            int parts = PartHashes.count(bytes, PART);
            for (int i = 0; i < 2 * parts; i++) {
                write(hashes, file, new byte[bytes], random.nextInt(parts));
            }
            for (int part : random.ints(4L * parts, 0, parts).toArray()) {
                write(hashes, file, content, part);
            }
            for (int part = 0; part < parts; part++) {
                write(hashes, file, content, part);
            }
            var result = hashes.finish();
            assertThat(result.sha256()).isEqualTo(HubFixture.sha256(content));
            assertThat(result.checks()).hasSize(parts);
            assertThat(new PartHashes(file, bytes, PART).finish())
                    .as("all at once")
                    .isEqualTo(result);
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void nothingIsWholeWhileAPartIsBeingWritten() throws Exception {
        Path file = Files.write(dir.resolve("file"), new byte[10]);
        var hashes = new PartHashes(file, 10, PART);
        hashes.begin(0);
        assertThatThrownBy(hashes::finish).isInstanceOf(HubRefusal.class).hasMessageContaining("try again");
        hashes.end(0, false);
        hashes.finish();
        assertThatThrownBy(() -> hashes.begin(0)).isInstanceOf(HubRefusal.class);
        hashes.reopen();
        hashes.begin(0);
    }

    /** Many threads write all parts, in their own orders; whoever ends last, the hash is right. */
    @RepeatedTest(20)
    void threadsMayBringPartsAtOnce(RepetitionInfo repetition) throws Exception {
        byte[] content = new byte[20 * PART + 1];
        new Random(repetition.getCurrentRepetition()).nextBytes(content);
        Path file = Files.createFile(dir.resolve("file"));
        var hashes = new PartHashes(file, content.length, PART);
        try (var threads = Executors.newFixedThreadPool(4)) {
            List<Callable<Void>> writers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                List<Integer> order =
                        new ArrayList<>(IntStream.range(0, 21).boxed().toList());
                Collections.shuffle(order, new Random(i));
                writers.add(() -> {
                    for (int part : order) {
                        write(hashes, file, content, part);
                    }
                    return null;
                });
            }
            for (var writer : threads.invokeAll(writers)) {
                writer.get();
            }
            for (var result : threads.invokeAll(Collections.<Callable<PartHashes.Result>>nCopies(4, hashes::finish))) {
                assertThat(result.get().sha256()).isEqualTo(HubFixture.sha256(content));
            }
        }
    }

    private static void write(PartHashes hashes, Path file, byte[] content, int part) throws Exception {
        hashes.begin(part);
        int from = part * PART;
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(content, from, Math.min(PART, content.length - from)), from);
        }
        hashes.end(part, true);
    }
}
