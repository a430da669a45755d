package sn9.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.IntFunction;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ElementConversionTest {
    private static final int ALL_HALVES = 1 << 16;

    @Test
    void everyBfloat16SurvivesTheWayThroughF32() {
        MemorySegment halves = allHalves();
        MemorySegment floats = segment(4L * ALL_HALVES);
        MemorySegment back = segment(2L * ALL_HALVES);
        ElementConversion.toF32(ElementType.BF16, halves, floats, ALL_HALVES);
        ElementConversion.fromF32(ElementType.BF16, floats, back, ALL_HALVES);
        assertHalvesEqual(back, i -> Float.isNaN(Bfloat16.toFloat((short) i)) ? i | 0x40 : i);
    }

    @Test
    void everyF16SurvivesTheWayThroughF32() {
        MemorySegment halves = allHalves();
        MemorySegment floats = segment(4L * ALL_HALVES);
        MemorySegment back = segment(2L * ALL_HALVES);
        ElementConversion.toF32(ElementType.F16, halves, floats, ALL_HALVES);
        ElementConversion.fromF32(ElementType.F16, floats, back, ALL_HALVES);
        assertHalvesEqual(back, i -> (i & 0x7fff) > 0x7c00 ? i | 0x200 : i);
    }

    @Test
    void roundsTiesToEven() {
        assertThat(bf16(0x3f80_8000)).as("1 + half a place, even below").isEqualTo(0x3f80);
        assertThat(bf16(0x3f81_8000)).as("odd below").isEqualTo(0x3f82);
        assertThat(bf16(0x3f80_8001)).as("just above half").isEqualTo(0x3f81);
        assertThat(bf16(0x3f81_7fff)).as("just below half").isEqualTo(0x3f81);
        assertThat(bf16(0x7f7f_ffff)).as("the largest float").isEqualTo(0x7f80);
        assertThat(bf16(0x7f80_0001)).as("a NaN of the low half").isEqualTo(0x7fc0);
        assertThat(bf16(0xff80_0000)).as("-infinity").isEqualTo(0xff80);
        assertThat(bf16(0x8000_0000)).as("-0").isEqualTo(0x8000);
        assertThat(Float.floatToFloat16(1 + 0x1p-11f)).as("F16, even below").isEqualTo((short) 0x3c00);
        assertThat(Float.floatToFloat16(1 + 3 * 0x1p-11f)).as("F16, odd below").isEqualTo((short) 0x3c02);
    }

    @Property(tries = 5000, seed = "11")
    void bfloat16IsTheNearestOfItsNeighbours(@ForAll float value) {
        short bits = Bfloat16.fromFloat(value);
        float chosen = Bfloat16.toFloat(bits);
        if (Float.isNaN(value) || Float.isInfinite(chosen)) {
            return;
        }
        for (int step = -1; step <= 1; step += 2) {
            float neighbour = Bfloat16.toFloat((short) (bits + step));
            if (Float.isFinite(neighbour)) {
                assertThat(distance(value, chosen)).isLessThanOrEqualTo(distance(value, neighbour));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 17, 16_383, 16_384, 16_385, 50_001})
    void bulkEqualsOneByOneAtOddAddresses(int elements) {
        var random = new Random(elements);
        MemorySegment in = segment(4L * elements + 1).asSlice(1);
        MemorySegment bf16 = segment(2L * elements + 1).asSlice(1);
        MemorySegment f64 = segment(8L * elements + 1).asSlice(1);
        MemorySegment back = segment(4L * elements + 1).asSlice(1);
        ByteBuffer floats = in.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < elements; i++) {
            floats.putFloat(4 * i, (float) random.nextGaussian());
        }
        ElementConversion.fromF32(ElementType.BF16, in, bf16, elements);
        ElementConversion.fromF32(ElementType.F64, in, f64, elements);
        ElementConversion.toF32(ElementType.F64, f64, back, elements);
        ByteBuffer shorts = bf16.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < elements; i++) {
            assertThat(shorts.getShort(2 * i)).isEqualTo(Bfloat16.fromFloat(floats.getFloat(4 * i)));
        }
        assertThat(back.mismatch(in)).isEqualTo(-1);
    }

    @Test
    void refusesShortSegmentsAndIntegers() {
        assertThatThrownBy(() -> ElementConversion.toF32(ElementType.BF16, segment(3), segment(8), 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2 elements from 3 bytes");
        assertThatThrownBy(() -> ElementConversion.fromF32(ElementType.I64, segment(8), segment(8), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("I64 is no float type");
    }

    private static int bf16(int floatBits) {
        return Bfloat16.fromFloat(Float.intBitsToFloat(floatBits)) & 0xffff;
    }

    private static BigDecimal distance(float a, float b) {
        return new BigDecimal(a).subtract(new BigDecimal(b)).abs();
    }

    private static MemorySegment segment(long bytes) {
        return MemorySegment.ofArray(new byte[(int) bytes]);
    }

    private static MemorySegment allHalves() {
        var bytes = ByteBuffer.allocate(2 * ALL_HALVES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < ALL_HALVES; i++) {
            bytes.putShort((short) i);
        }
        return MemorySegment.ofArray(bytes.array());
    }

    private static void assertHalvesEqual(MemorySegment halves, IntFunction<Integer> expected) {
        ByteBuffer bytes = halves.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < ALL_HALVES; i++) {
            assertThat(bytes.getShort(2 * i) & 0xffff).as("from %04x", i).isEqualTo(expected.apply(i));
        }
    }
}
