package sn9.localnet.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import sn9.localnet.chain.ChainFixture;

/**
 * What any client may send. Ordinary runs replay the known inputs; {@code JAZZER_FUZZ=1} and
 * {@code -Dtest=RpcSessionFuzzTest} search for new ones, guided by coverage.
 */
class RpcSessionFuzzTest {
    private static ChainFixture on;
    private static ChainNode node;

    @BeforeAll
    static void open() throws Exception {
        on = new ChainFixture(Files.createTempDirectory("rpc-fuzz"));
        node = new ChainNode(on.chain, ChainSettings.USUAL);
    }

    @AfterAll
    static void close() throws Exception {
        node.close();
    }

    @FuzzTest(maxDuration = "30s")
    void anyTextIsAnsweredInJsonOrNotAtAll(byte[] bytes) throws Exception {
        answered(new String(bytes, StandardCharsets.UTF_8));
    }

    @FuzzTest(maxDuration = "30s")
    void anyExtrinsicIsTakenOrRefused(byte[] bytes) throws Exception {
        String text = "{\"id\":1,\"method\":\"author_submitExtrinsic\",\"params\":[\"" + Json.hex(bytes) + "\"]}";
        for (String answer : answered(text)) {
            assertThat(Json.MAPPER.readTree(answer).at("/error/code").asInt()).isNotEqualTo(-32_603);
        }
    }

    private static List<String> answered(String text) throws Exception {
        List<String> answers = new ArrayList<>();
        new RpcSession(node, 4, answers::add).receive(text);
        for (String answer : answers) {
            assertThat(Json.MAPPER.readTree(answer).isContainerNode()).isTrue();
        }
        return answers;
    }
}
