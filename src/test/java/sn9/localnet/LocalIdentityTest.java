package sn9.localnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class LocalIdentityTest {
    /** Development keys of Substrate with their addresses of prefix 42. */
    @Test
    void otherToolsDeriveTheSameKeys() {
        // @polkadot/keyring: addFromUri("//Bob//hk"), addFromUri("//Bob")
        assertThat(LocalIdentity.of("Bob", "hk"))
                .isEqualTo(new LocalIdentity(
                        "5D2FPLtZVpSYjpyCwmrkw4PRxVYMgMUifV3YdRdA59T1NaAH",
                        "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"));
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
