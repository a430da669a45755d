package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import sn9.MalformedDataException;

class EraTest {
    @Test
    void erasAreTheVectors() throws IOException {
        for (var vector : Vectors.small("eras")) {
            long current = vector.get("current").asLong();
            long period = vector.get("period").asLong();
            Era era = period == 0 ? Era.IMMORTAL : Era.mortal(period, current);
            assertThat(Vectors.hex(bytes(era))).isEqualTo(vector.get("hex").asText());
            if (!era.isImmortal()) {
                assertThat(era.birth(current)).isEqualTo(vector.get("birth").asLong());
                assertThat(era.death(current)).isEqualTo(vector.get("death").asLong());
            }
        }
    }

    @Property
    void anEraHoldsItsBlockAndComesBack(
            @ForAll @LongRange(min = 1, max = 100_000) long blocks,
            @ForAll @LongRange(max = 4_294_967_295L) long current)
            throws MalformedDataException {
        Era era = Era.mortal(blocks, current);
        assertThat(era.period()).isGreaterThanOrEqualTo(Math.min(blocks, 65_536));
        assertThat(era.birth(current)).isBetween(Math.max(0, current - 15), current);
        assertThat(era.death(current)).isGreaterThan(current);
        assertThat(Era.read(new ScaleReader("era", bytes(era)))).isEqualTo(era);
        assertThat(era.birth(era.death(current) - 1)).isEqualTo(era.birth(current));
    }

    @Test
    void refusesPhasesBeyondThePeriod() {
        assertThatThrownBy(() -> Era.read(new ScaleReader("era", new byte[] {0x41, 0x00})))
                .isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> new Era(5, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] bytes(Era era) {
        var out = new ScaleWriter();
        era.write(out);
        return out.toBytes();
    }
}
