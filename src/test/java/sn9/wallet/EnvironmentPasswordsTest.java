package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class EnvironmentPasswordsTest {
    private static final Wallet WALLET = Wallet.open(Path.of("/root/.bittensor/wallets"), "my-wallet", "default");
    private static final String VARIABLE = "BT_PW__ROOT__BITTENSOR_WALLETS_MY-WALLET_COLDKEY";

    @Test
    void namesTheVariableAsBtwalletDoes() {
        assertThat(EnvironmentPasswords.variable(WALLET.coldkeyFile())).isEqualTo(VARIABLE);
    }

    @Property(tries = 100)
    void readsWhatBtwalletWrites(@ForAll @StringLength(min = 1, max = 80) String text) {
        String password = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        assertThat(find(Map.of(VARIABLE, hidden(password)))).contains(password);
    }

    @Test
    void fallsBackToThePythonWalletsVariableForTheColdkeyOnly() {
        var variables = Map.of("BT_COLD_PW_MY_WALLET", "secret");
        assertThat(find(variables)).contains("secret");
        assertThat(find(Map.of("BT_COLD_PW_my_wallet", "secret"))).contains("secret");
        assertThat(find(Map.of())).isEmpty();
        assertThat(EnvironmentPasswords.find(
                        name -> Optional.ofNullable(variables.get(name)), WALLET, WALLET.hotkeyFile()))
                .isEmpty();
    }

    @Test
    void refusesWhatIsNotBase64WithoutRepeatingIt() {
        assertThatThrownBy(() -> find(Map.of(VARIABLE, "my secret!")))
                .hasMessageContaining(VARIABLE + " is not Base64")
                .hasMessageNotContaining("my secret!");
    }

    private static String hidden(String password) {
        byte[] bytes = password.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] ^= (byte) VARIABLE.charAt(i % VARIABLE.length());
        }
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static Optional<String> find(Map<String, String> variables) {
        return EnvironmentPasswords.find(name -> Optional.ofNullable(variables.get(name)), WALLET, WALLET.coldkeyFile())
                .map(String::new);
    }
}
