package sn9.chain;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;

/** Any text is a message, or ends the connection. Searched as {@code ScaleFuzzTest} is. */
class RpcFuzzTest {
    @FuzzTest(maxDuration = "30s")
    void anyTextIsAMessageOrEndsTheConnection(byte[] bytes) {
        var connection = new RpcConnection("fuzz");
        for (String message : new String(bytes, StandardCharsets.UTF_8).split("\n")) {
            boolean wasOpen = connection.isOpen();
            boolean understood = connection.receive(message);
            assertThat(connection.isOpen()).isEqualTo(wasOpen && understood);
        }
    }
}
