package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.BigRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;

class ScaleReaderTest {
    @Test
    void compactNumbersAreTheVectors() throws IOException {
        for (var vector : Vectors.small("compact")) {
            var value = Vectors.number(vector.get("value"));
            assertThat(Vectors.hex(new ScaleWriter().compact(value).toBytes()))
                    .isEqualTo(vector.get("hex").asText());
            assertThat(reader(vector.get("hex").asText()).compact()).isEqualTo(value);
        }
    }

    @Property
    void compactNumbersComeBack(
            @ForAll @BigRange(min = "0", max = "340282366920938463463374607431768211455") BigInteger n)
            throws MalformedDataException {
        var in = new ScaleReader("test", new ScaleWriter().compact(n).toBytes());
        assertThat(in.compact()).isEqualTo(n);
        in.end();
    }

    @Property
    void numbersWithSignComeBack(@ForAll BigInteger any, @ForAll @IntRange(min = 1, max = 16) int bytes)
            throws MalformedDataException {
        BigInteger n = any.signum() < 0
                ? any.negate().mod(BigInteger.ONE.shiftLeft(bytes * 8 - 1)).negate()
                : any.mod(BigInteger.ONE.shiftLeft(bytes * 8 - 1));
        byte[] encoded = new ScaleWriter().signed(n, bytes).toBytes();
        assertThat(encoded).hasSize(bytes);
        assertThat(new ScaleReader("test", encoded).signed(bytes)).isEqualTo(n);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0x0100", "0xfd00", "0x02000000", "0xfeff0000", "0x03ffffff3f", "0x0700000040" + "00"})
    void refusesCompactNumbersLongerThanNeeded(String hex) {
        assertThatThrownBy(() -> reader(hex).compact())
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("shortest form");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0x", "0x01", "0x0200", "0x030000", "0x13ffffff"})
    void refusesTruncatedCompactNumbers(String hex) {
        assertThatThrownBy(() -> reader(hex).compact())
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("ends too early");
    }

    @Test
    void countsAreHeldAgainstTheBytesLeft() throws MalformedDataException {
        assertThat(reader("0x0c010203").count(1)).isEqualTo(3);
        assertThatThrownBy(() -> reader("0x0c0102").count(1))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("3 items");
        assertThatThrownBy(() -> reader("0x13ffffffffffffffff").byteList()).isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> reader("0x0cffff0102").count(2)).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void refusesWhatIsLeftOver() {
        assertThatThrownBy(() -> reader("0x00").end())
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("1 more");
    }

    @Test
    void flagsAreZeroOrOne() {
        assertThatThrownBy(() -> reader("0x02").bool()).isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> reader("0xff").option()).isInstanceOf(MalformedDataException.class);
    }

    @Test
    void textsAreUtf8() throws MalformedDataException {
        String text = "subnet 9 — ok";
        assertThat(new ScaleReader("test", new ScaleWriter().text(text).toBytes()).text())
                .isEqualTo(text);
        assertThatThrownBy(() -> reader("0x08c328").text())
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("at byte 1");
    }

    @Test
    void writesNoNumberThatDoesNotFit() {
        var out = new ScaleWriter();
        assertThatThrownBy(() -> out.u8(256)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> out.u16(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> out.unsigned(BigInteger.TWO.pow(64), 8)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> out.signed(BigInteger.TWO.pow(7), 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> out.compact(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(out.size()).isZero();
    }

    private static ScaleReader reader(String hex) {
        return new ScaleReader("test", Vectors.hex(hex));
    }
}
