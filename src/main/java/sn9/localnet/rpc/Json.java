package sn9.localnet.rpc;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HexFormat;
import sn9.localnet.chain.Block;
import sn9.localnet.chain.Runtime;

/** Substrate's things as JSON. */
final class Json {
    /** Longer frames are refused. */
    static final int MAX_FRAME_BYTES = 4 << 20;

    private static final int MAX_NESTING = 16;

    static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_NESTING)
                            .maxStringLength(MAX_FRAME_BYTES)
                            .maxDocumentLength(MAX_FRAME_BYTES)
                            .build())
                    .build())
            .build();

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static ArrayNode array() {
        return MAPPER.createArrayNode();
    }

    static String hex(byte[] bytes) {
        return "0x" + HexFormat.of().formatHex(bytes);
    }

    static ObjectNode header(Block block) {
        ObjectNode header = object();
        header.put("parentHash", hex(block.parent()));
        header.put("number", "0x" + Long.toHexString(block.number()));
        header.put("stateRoot", hex(block.stateRoot()));
        header.put("extrinsicsRoot", hex(block.extrinsicsRoot()));
        header.putObject("digest").putArray("logs");
        return header;
    }

    static ObjectNode runtimeVersion() {
        Runtime runtime = Runtime.embedded();
        ObjectNode version = object();
        version.put("specName", runtime.specName());
        version.put("implName", runtime.specName());
        version.put("authoringVersion", 1);
        version.put("specVersion", runtime.specVersion());
        version.put("implVersion", 1);
        ArrayNode apis = version.putArray("apis");
        runtime.apis().forEach(api -> apis.addArray().add(hex(api.getKey())).add(api.getValue()));
        version.put("transactionVersion", runtime.transactionVersion());
        version.put("stateVersion", 1);
        return version;
    }
}
