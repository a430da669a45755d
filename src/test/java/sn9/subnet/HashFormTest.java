package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HashFormTest {
    private static final String DIRECTORY = "1Pi1HyQbqe9FShGMZ2Y6js5rOGZC09eNOuWawKUT0J0=";
    private static final String HOTKEY = "5CchHAvd95HtTaxfviiC36wt1HFXU73Xq9Aom7NDZJnAiG8v";
    private static final String BOUND = "jogSh4eUHadZh/syhmrUWrNLVbCVrFaE/MFezZZPb6Y=";

    /** The vector of spec/subnet.md C 3. */
    @Test
    void bindsADirectoryToAHotkey() {
        assertThat(HashForm.HOTKEY_BOUND.committed(DIRECTORY, HOTKEY)).isEqualTo(BOUND);
        assertThat(HashForm.PLAIN.committed(DIRECTORY, HOTKEY)).isEqualTo(DIRECTORY);
    }

    @Test
    void boundHashesAreTakenBesidePlainOnesWhereTheRulesSaySo() {
        assertThat(HashForm.HOTKEY_BOUND.accepts(BOUND, DIRECTORY, HOTKEY)).isTrue();
        assertThat(HashForm.HOTKEY_BOUND.accepts(DIRECTORY, DIRECTORY, HOTKEY)).isTrue();
        assertThat(HashForm.HOTKEY_BOUND.accepts(BOUND, DIRECTORY, HOTKEY.replace('5', '4')))
                .isFalse();
        assertThat(HashForm.PLAIN.accepts(BOUND, DIRECTORY, HOTKEY)).isFalse();
        assertThat(HashForm.PLAIN.accepts(DIRECTORY, DIRECTORY, HOTKEY)).isTrue();
    }
}
