package sn9.localnet.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.localnet.chain.ChainFixture;
import sn9.localnet.chain.Runtime;

class RpcSessionTest {
    @TempDir
    Path folder;

    private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
    private ChainFixture on;
    private ChainNode node;
    private RpcSession session;

    @BeforeEach
    void open() throws Exception {
        on = new ChainFixture(folder);
        node = new ChainNode(on.chain, new ChainSettings(true, 2));
        session = new RpcSession(node, 20, frames::add);
        assertThat(node.add(session)).isTrue();
    }

    @AfterEach
    void close() throws Exception {
        session.close();
        node.close();
    }

    @Test
    void whatIsNoRequestIsAnsweredAsJsonRpcSays() throws Exception {
        assertThat(error("{").get("code").asInt()).isEqualTo(-32_700);
        assertThat(error("[".repeat(1000)).get("code").asInt()).isEqualTo(-32_700);
        for (String bad : List.of("7", "{}", "[]", "{\"id\":1,\"method\":7}", "{\"id\":{},\"method\":\"x\"}")) {
            assertThat(error(bad).get("code").asInt()).as(bad).isEqualTo(-32_600);
        }
        assertThat(error(request("no_such", "")).get("code").asInt()).isEqualTo(-32_601);
        for (String bad : List.of("", "7", "\"0x0\"", "\"zz\"", "[]", "null")) {
            assertThat(error(request("state_getStorage", bad)).get("code").asInt())
                    .as(bad)
                    .isEqualTo(-32_602);
        }
        assertThat(error(request("state_getStorage", "\"0x00\",\"0x00\""))
                        .get("code")
                        .asInt())
                .isEqualTo(-32_602);
        String unknown = "\"0x00\",\"0x" + "11".repeat(32) + "\"";
        assertThat(error(request("state_getStorage", unknown)).get("code").asInt())
                .isEqualTo(4_003);
        assertThat(error(request("state_call", "\"No_such\",\"0x\""))
                        .get("code")
                        .asInt())
                .isEqualTo(4_003);
        assertThat(error(request("state_call", "\"AccountNonceApi_account_nonce\",\"0x01\""))
                        .get("code")
                        .asInt())
                .isEqualTo(4_003);
        assertThat(error(request("author_submitExtrinsic", "\"0x0400\""))
                        .get("code")
                        .asInt())
                .isEqualTo(1_002);
        assertThat(frames).isEmpty();
    }

    /** A negative number of keys would be a page of all there are. */
    @Test
    void numbersAreNotNegative() throws Exception {
        for (String bad : List.of("-1", "\"-1\"", "\"0x-1\"", "\"0xffffffffffffffff\"", "\"+1\"", "\"0x\"", "1.5")) {
            assertThat(error(request("state_getKeysPaged", "\"0x\"," + bad))
                            .get("code")
                            .asInt())
                    .as(bad)
                    .isEqualTo(-32_602);
        }
    }

    @Test
    void aBatchIsAnsweredInOneFrame() throws Exception {
        session.receive("[" + request("system_chain", "") + ",{\"jsonrpc\":\"2.0\",\"method\":\"system_chain\"},"
                + request("no_such", "") + "]");
        JsonNode answers = next();
        assertThat(answers.size()).isEqualTo(2);
        assertThat(answers.get(0).has("result")).isTrue();
        assertThat(answers.get(1).has("error")).isTrue();
    }

    @Test
    void blocksCanBeAskedForByNumberAndByHash() throws Exception {
        JsonNode best = result("chain_getBlockHash", "");
        JsonNode header = result("chain_getHeader", best.toString());
        String parent = header.get("parentHash").toString();
        assertThat(result("chain_getHeader", parent).get("number").textValue()).isEqualTo("0x0");
        assertThat(result("chain_getBlockHash", "0").toString()).isEqualTo(parent);
        assertThat(result("chain_getBlockHash", "\"0x0\"").toString()).isEqualTo(parent);
        assertThat(result("chain_getBlockHash", "9999").isNull()).isTrue();
        assertThat(result("chain_getBlock", best.toString())
                        .get("block")
                        .get("extrinsics")
                        .size())
                .isEqualTo(1);
        assertThat(result("chain_getBlock", "\"0x" + "11".repeat(32) + "\"").isNull())
                .isTrue();
    }

    @Test
    void keysComeInPagesAndValuesInOneAnswer() throws Exception {
        String prefix = Json.hex(Runtime.embedded().item("SubtensorModule.Keys").key(ChainFixture.NETUID));
        JsonNode first = result("state_getKeysPaged", "\"" + prefix + "\",1");
        assertThat(first.size()).isEqualTo(1);
        JsonNode second = result("state_getKeysPaged", "\"" + prefix + "\",10," + first.get(0));
        assertThat(second.size()).isEqualTo(1);
        assertThat(second.get(0)).isNotEqualTo(first.get(0));
        assertThat(error(request("state_getKeysPaged", "\"" + prefix + "\",1001"))
                        .get("code")
                        .asInt())
                .isEqualTo(-32_602);
        JsonNode values = result("state_queryStorageAt", "[" + first.get(0) + ",\"0x77\"]")
                .get(0);
        assertThat(values.get("changes").get(0).get(1).textValue()).isEqualTo(Json.hex(on.miner.publicKey()));
        assertThat(values.get("changes").get(1).get(1).isNull()).isTrue();
    }

    @Test
    void anExtrinsicIsWatchedUntilItIsFinal() throws Exception {
        String extrinsic = Json.hex(on.sign(on.miner, ChainFixture.commitment("watched")));
        session.receive(request("chain_subscribeNewHeads", ""));
        session.receive(request("author_submitAndWatchExtrinsic", "\"" + extrinsic + "\""));
        result("engine_createBlock", "true,false");
        result("engine_createBlock", "true,false");
        List<String> told = new ArrayList<>();
        String included = null;
        for (String frame = frames.poll(); frame != null; frame = frames.poll()) {
            JsonNode note = Json.MAPPER.readTree(frame);
            JsonNode status = note.path("params").path("result");
            if (note.path("method").asText().equals("author_extrinsicUpdate")) {
                told.add(
                        status.isTextual()
                                ? status.textValue()
                                : status.fieldNames().next());
                included = status.path("inBlock").asText(included);
            }
        }
        assertThat(told).containsExactly("ready", "inBlock", "finalized");
        JsonNode block = result("chain_getBlock", "\"" + included + "\"");
        assertThat(block.get("block").get("extrinsics").get(1).textValue()).isEqualTo(extrinsic);
    }

    @Test
    void storageIsToldWhenItChanges() throws Exception {
        String key = Json.hex(Runtime.embedded()
                .item("Commitments.LastCommitment")
                .key(ChainFixture.NETUID, sn9.chain.scale.Value.of(on.miner.publicKey())));
        session.receive(request("state_subscribeStorage", "[\"" + key + "\"]"));
        assertThat(next().at("/params/result/changes/0/1").isNull()).isTrue(); // before the answer with the id
        String id = next().get("result").textValue();
        result("engine_createBlock", "true,false");
        String extrinsic = Json.hex(on.sign(on.miner, ChainFixture.commitment("x")));
        session.receive(request("author_submitExtrinsic", "\"" + extrinsic + "\""));
        JsonNode change = next();
        assertThat(change.at("/params/subscription").textValue()).isEqualTo(id);
        assertThat(change.at("/params/result/changes/0/1").textValue()).isEqualTo("0x03000000");
        assertThat(next().has("result")).isTrue();
        assertThat(result("state_unsubscribeStorage", "\"" + id + "\"").asBoolean())
                .isTrue();
        assertThat(result("state_unsubscribeStorage", "\"" + id + "\"").asBoolean())
                .isFalse();
    }

    @Test
    void anEarlyExtrinsicIsIncludedBehindTheOneItWaitsFor() throws Exception {
        String second = Json.hex(on.sign(on.miner, ChainFixture.commitment("second"), 1));
        String first = Json.hex(on.sign(on.miner, ChainFixture.commitment("first"), 0));
        session.receive(request("author_submitAndWatchExtrinsic", "\"" + second + "\""));
        assertThat(next().at("/params/result").textValue()).isEqualTo("future");
        next();
        assertThat(result("author_pendingExtrinsics", "").get(0).textValue()).isEqualTo(second);
        session.receive(request("author_submitExtrinsic", "\"" + first + "\""));
        assertThat(next().at("/params/result").textValue()).isEqualTo("ready");
        assertThat(next().at("/params/result").has("inBlock")).isTrue();
        assertThat(on.nonce(on.miner)).isEqualTo(2);
    }

    @Test
    void subscriptionsAreBounded() throws Exception {
        for (int i = 0; i < 20; i++) {
            session.receive(request("state_subscribeRuntimeVersion", ""));
            next();
            next();
        }
        assertThat(error(request("chain_subscribeNewHeads", "")).get("code").asInt())
                .isEqualTo(-32_006);
    }

    private JsonNode result(String method, String params) throws Exception {
        List<String> waiting = new ArrayList<>();
        frames.drainTo(waiting);
        session.receive(request(method, params));
        List<String> answers = new ArrayList<>();
        frames.drainTo(answers);
        JsonNode response = Json.MAPPER.readTree(answers.removeLast());
        frames.addAll(waiting);
        frames.addAll(answers); // what it set off
        assertThat(response.has("error")).as(response.toString()).isFalse();
        return response.get("result");
    }

    private JsonNode error(String text) throws Exception {
        session.receive(text);
        return next().get("error");
    }

    private JsonNode next() throws Exception {
        String frame = frames.poll(10, TimeUnit.SECONDS);
        assertThat(frame).isNotNull();
        return Json.MAPPER.readTree(frame);
    }

    private static String request(String method, String params) {
        return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + method + "\",\"params\":[" + params + "]}";
    }
}
