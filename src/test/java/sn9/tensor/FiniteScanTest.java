package sn9.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FiniteScanTest {
    private static final int ELEMENTS = 40_001;

    /** The largest finite number of each type must pass; NaN and both infinities must be found, wherever they are. */
    @ParameterizedTest
    @CsvSource({
        "F32, 7f7fffff, 7f800000",
        "F32, ff7fffff, ff800000",
        "F32, 7f7fffff, 7fc00000",
        "F32, 0, ff800001",
        "BF16, 7f7f, 7f80",
        "BF16, ff7f, ff80",
        "BF16, 8000, 7fc1",
        "F16, 7bff, 7c00",
        "F16, fbff, fc00",
        "F16, 0001, 7e00",
        "F64, 7fefffffffffffff, 7ff0000000000000",
        "F64, ffefffffffffffff, fff0000000000001"
    })
    void findsTheFirstNonFinite(ElementType type, String finite, String bad) {
        for (int place : new int[] {0, 1, 16_383, 16_384, ELEMENTS - 1}) {
            MemorySegment data = filled(type, finite);
            assertThat(FiniteScan.firstNonFinite(view(type, data))).isEqualTo(-1);
            put(data, type, place, bad);
            put(data, type, ELEMENTS - 1, bad);
            assertThat(FiniteScan.firstNonFinite(view(type, data))).isEqualTo(place);
        }
    }

    @Test
    void refusesIntegers() {
        var tensor = new TensorView("ids", ElementType.I64, new long[] {1}, MemorySegment.ofArray(new byte[8]));
        assertThatThrownBy(() -> FiniteScan.firstNonFinite(tensor)).hasMessageContaining("ids I64[1] is no float");
    }

    private static TensorView view(ElementType type, MemorySegment data) {
        return new TensorView("x", type, new long[] {ELEMENTS}, data);
    }

    private static MemorySegment filled(ElementType type, String hex) {
        MemorySegment data =
                MemorySegment.ofArray(new byte[ELEMENTS * type.bytes() + 1]).asSlice(1); // odd on purpose
        for (int i = 0; i < ELEMENTS; i++) {
            put(data, type, i, hex);
        }
        return data;
    }

    private static void put(MemorySegment data, ElementType type, int index, String hex) {
        long bits = Long.parseUnsignedLong(hex, 16);
        for (int b = 0; b < type.bytes(); b++) {
            data.set(ValueLayout.JAVA_BYTE, (long) index * type.bytes() + b, (byte) (bits >>> (8 * b)));
        }
    }
}
