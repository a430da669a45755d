package sn9.wallet;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class MerlinTranscriptTest {
    /** A source that always gives zeros: as bad as one can be. */
    private static final class Stuck extends SecureRandom {
        private static final long serialVersionUID = 1L;

        @Override
        public void nextBytes(byte[] bytes) {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /** dalek-cryptography/merlin:src/transcript.rs, test equivalence_simple. */
    @Test
    void givesTheChallengeOfMerlinsOwnTest() {
        try (var transcript = new MerlinTranscript("test protocol")) {
            byte[] challenge =
                    transcript.append("some label", utf8("some data")).challenge("challenge", 32);
            assertThat(challenge)
                    .isEqualTo(KeyVectors.hex("d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615"));
        }
    }

    @Test
    void everyByteOfAMessageAndEveryLabelCounts() {
        assertThat(challenge("a", "message")).isNotEqualTo(challenge("a", "messagf"));
        assertThat(challenge("a", "message")).isNotEqualTo(challenge("b", "message"));
        assertThat(challenge("a", "message")).isEqualTo(challenge("a", "message"));
    }

    @Test
    void aWitnessDependsOnMessageAndSecretEvenWhenTheRandomSourceIsStuck() {
        byte[] first = witness("message", "secret");
        assertThat(first).isEqualTo(witness("message", "secret"));
        assertThat(first).isNotEqualTo(witness("massage", "secret"));
        assertThat(first).isNotEqualTo(witness("message", "segret"));
    }

    @Test
    void aWitnessIsFreshAndLeavesTheTranscriptAsItWas() {
        try (var transcript = new MerlinTranscript("test protocol").append("a", utf8("message"))) {
            var random = new SecureRandom();
            byte[] secret = utf8("secret");
            assertThat(transcript.witness(32, secret, random)).isNotEqualTo(transcript.witness(32, secret, random));
            assertThat(transcript.challenge("challenge", 200)).isEqualTo(challenge("a", "message"));
        }
    }

    private static byte[] challenge(String label, String message) {
        try (var transcript = new MerlinTranscript("test protocol")) {
            return transcript.append(label, utf8(message)).challenge("challenge", 200);
        }
    }

    private static byte[] witness(String message, String secret) {
        try (var transcript = new MerlinTranscript("test protocol")) {
            return transcript.append("a", utf8(message)).witness(32, utf8(secret), new Stuck());
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
