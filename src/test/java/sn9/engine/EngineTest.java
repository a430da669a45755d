package sn9.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.engine.Ops.Activation;
import sn9.tensor.ElementType;

/** What callers can get wrong, and what happens when a library cannot be had. */
class EngineTest {
    @Test
    void copiesBothWays() {
        try (Engine engine = Engines.open("cpu", 1);
                Arena arena = Arena.ofConfined();
                Buffer buffer = engine.allocate("values", 16)) {
            engine.upload(buffer, arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4));
            MemorySegment back = arena.allocate(8);
            engine.download(back, buffer.slice("half", 8, 8));
            assertThat(back.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(3, 4);
            assertThat(engine.properties()).containsEntry("threads", "1").containsKeys("isa", "memory_bytes");
        }
    }

    @Test
    void refusesBuffersSmallerThanTheirShape() {
        try (Engine engine = Engines.open("cpu", 1);
                Buffer small = engine.allocate("small", 4 * 7);
                Buffer large = engine.allocate("large", 4 * 64)) {
            assertThatThrownBy(() -> engine.ops().geluForward(small, large, 8))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("small has 7 elements, needs 8");
            assertThatThrownBy(() -> large.slice("outside", 252, 8)).isInstanceOf(IllegalArgumentException.class);
            try (Arena arena = Arena.ofConfined()) {
                assertThatThrownBy(() -> engine.upload(small, arena.allocate(64)))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void refusesAStepWhoseWorkspaceWasNotReserved() {
        try (Engine engine = Engines.open("cpu", 1);
                Buffer x = engine.allocate("x", 4L * 64 * 64);
                Buffer out = engine.allocate("out", 4L * 64 * 64)) {
            Weight w = engine.ops().trainedWeight(x, null, 64, 64, Weight.Kind.LINEAR);
            assertThatThrownBy(() -> engine.ops().linearForward(out, null, x, w, null, null, Activation.NONE, 64))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("reserve");
        }
    }

    @Test
    void belongsToOneThread() throws InterruptedException {
        try (Engine engine = Engines.open("cpu", 1)) {
            var thrown = new AtomicReference<Throwable>();
            Thread other = Thread.ofPlatform().start(() -> {
                try {
                    engine.allocate("elsewhere", 4);
                } catch (IllegalStateException e) {
                    thrown.set(e);
                }
            });
            other.join();
            assertThat(thrown.get()).hasMessageContaining("belongs to thread");
        }
    }

    @Test
    void closingNamesTheBuffersLeftOpen() {
        Engine engine = Engines.open("cpu", 1);
        Buffer kept = engine.allocate("forgotten", 4);
        assertThatThrownBy(engine::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("forgotten");
        assertThatThrownBy(kept::address).isInstanceOf(IllegalStateException.class);
        engine.close(); // once more does nothing
    }

    @Test
    void saysWhenMemoryIsNotToBeHad() {
        try (Engine engine = Engines.open("cpu", 1)) {
            assertThatThrownBy(() -> engine.allocate("too much", 1L << 60))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("1152921504606846976 bytes");
        }
    }

    @Test
    void loadsHalfPrecisionFromUnalignedMemory() {
        try (Engine engine = Engines.open("cpu", 1);
                Arena arena = Arena.ofConfined();
                Buffer to = engine.allocate("to", 8)) {
            MemorySegment bytes = arena.allocate(5);
            bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, 1, (short) 0x3fc0); // 1.5
            bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, 3, (short) 0xc000); // -2
            engine.ops().load(to, bytes.asSlice(1), ElementType.BF16, 2);
            assertThat(engine.read(to, arena).toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1.5f, -2f);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpu", "cuda:", "cuda:x", "CPU", ""})
    void refusesUnknownDevices(String name) {
        assertThatThrownBy(() -> Engines.open(name, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected auto, cpu, cuda");
    }

    @Test
    void askingForCudaFailsWithTheReason() {
        assertThatThrownBy(() -> Engines.open("cuda", 0))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("--device cpu");
    }

    @Test
    void aLibraryThatDoesNotLoadIsOneClearMessage(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("libsn9cpu.so"), "no library at all");
        assertThatThrownBy(() -> OpsLibrary.open(file))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("glibc");
    }
}
