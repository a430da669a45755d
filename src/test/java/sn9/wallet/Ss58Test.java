package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class Ss58Test {
    private static final String ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    static Stream<Arguments> addresses() {
        return KeyVectors.cases("ss58", "prefix", "publicKey", "address");
    }

    static List<String> invalid() {
        return KeyVectors.texts("ss58Invalid");
    }

    @ParameterizedTest
    @MethodSource("addresses")
    void encodesAndDecodesEveryPrefix(int prefix, String key, String address) {
        assertThat(Ss58.encode(KeyVectors.hex(key), prefix)).isEqualTo(address);
        assertThat(Ss58.decode(address, prefix)).isEqualTo(KeyVectors.hex(key));
        if (prefix != Ss58.BITTENSOR_PREFIX) {
            assertThatThrownBy(() -> Ss58.decode(address))
                    .hasMessageContaining("another network: prefix 42 is expected, found " + prefix);
        }
    }

    @ParameterizedTest
    @MethodSource("invalid")
    void refusesWhatIsNoAddressWithoutRepeatingIt(String text) {
        assertThatThrownBy(() -> Ss58.decode(text))
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertThat(text.isEmpty() || !e.getMessage().contains(text))
                        .isTrue());
    }

    @Test
    void refusesEveryChangedCharacter() {
        for (int i = 0; i < ALICE.length(); i++) {
            char other = ALICE.charAt(i) == '7' ? '8' : '7';
            String changed = ALICE.substring(0, i) + other + ALICE.substring(i + 1);
            assertThatThrownBy(() -> Ss58.decode(changed)).as(changed).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void refusesBlanksLeadingOnesAndLongTexts() {
        for (String text : List.of(" " + ALICE, ALICE + "\n", "1" + ALICE, ALICE + ALICE, "1".repeat(49), "1")) {
            assertThatThrownBy(() -> Ss58.decode(text)).as(text).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Ss58.encode(new byte[31])).hasMessageContaining("32 bytes, found 31");
        assertThatThrownBy(() -> Ss58.encode(new byte[32], 16384)).hasMessageContaining("found 16384");
        assertThatThrownBy(() -> Ss58.encode(new byte[32], 46)).hasMessageContaining("46 and 47");
    }

    @Property(tries = 500)
    void decodesWhatItEncodes(@ForAll @Size(32) byte[] key, @ForAll @IntRange(max = 16383) int prefix) {
        if (prefix != 46 && prefix != 47) {
            assertThat(Ss58.decode(Ss58.encode(key, prefix), prefix)).isEqualTo(key);
        }
    }
}
