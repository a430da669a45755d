package sn9.localnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LocalIdentityTest {
    /** Development keys of Substrate with their addresses of prefix 42. */
    @ParameterizedTest
    @CsvSource({
        "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d, 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48, 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
    })
    void writesAddressesOfKnownKeys(String key, String address) {
        assertThat(LocalAddress.ofKey(HexFormat.of().parseHex(key))).isEqualTo(address);
    }

    @Test
    void hashesLikeRfc7693() {
        assertThat(HexFormat.of().formatHex(LocalAddress.blake2b512("abc".getBytes(StandardCharsets.US_ASCII))))
                .isEqualTo("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                        + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
        byte[] full = new byte[128];
        for (int i = 0; i < full.length; i++) {
            full[i] = (byte) i;
        }
        assertThat(HexFormat.of().formatHex(LocalAddress.blake2b512(full)))
                .isEqualTo("2319e3789c47e2daa5fe807f61bec2a1a6537fa03f19ff32e87eecbfd64b7e0e"
                        + "8ccff439ac333b040f19b0c4ddd11a61e24ac1fe0f10a039806c5dcc0da3d115");
        assertThatThrownBy(() -> LocalAddress.blake2b512(new byte[129])).hasMessageContaining("129 bytes");
    }

    @Test
    void identitiesFollowFromNamesAlone() {
        LocalIdentity alice = LocalIdentity.of("alice", "default");
        assertThat(alice).isEqualTo(LocalIdentity.of("alice", "default"));
        assertThat(alice.hotkey()).startsWith("5").hasSize(48).isNotEqualTo(alice.coldkey());
        assertThat(LocalIdentity.of("alice", "second").coldkey()).isEqualTo(alice.coldkey());
        assertThat(LocalIdentity.of("alice", "second").hotkey()).isNotEqualTo(alice.hotkey());
        assertThat(LocalIdentity.of("bob", "default").hotkey()).isNotEqualTo(alice.hotkey());
    }

    @Test
    void refusesNamesThatCouldBeConfused() {
        assertThatThrownBy(() -> LocalIdentity.of("a/b", "c")).hasMessageContaining("wallet name");
        assertThatThrownBy(() -> LocalIdentity.of("a", " ")).hasMessageContaining("hotkey name");
    }
}
