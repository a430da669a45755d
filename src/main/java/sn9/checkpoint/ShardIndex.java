package sn9.checkpoint;

import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import sn9.MalformedDataException;

/**
 * Which file of a sharded model holds which tensor: {@code model.safetensors.index.json} (spec/hub.md section 6).
 *
 * @param weightMap tensor name to file name
 */
record ShardIndex(Map<String, String> weightMap) {
    static final int MAX_SHARDS = 1000;

    static final StreamReadConstraints BOUNDS = StreamReadConstraints.builder()
            .maxDocumentLength(16 << 20)
            .maxNestingDepth(8)
            .maxNameLength(SafetensorsHeader.MAX_NAME_CHARACTERS)
            .maxStringLength(4096)
            .maxNumberLength(64)
            .build();

    /** A plain name: no folder, no hidden file. */
    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\\.safetensors");

    /**
     * Reads an index.
     *
     * @throws MalformedDataException when it maps no tensors, too many, or one to anything but a plain file name
     */
    static ShardIndex of(String source, ObjectNode index) throws MalformedDataException {
        JsonNode map = index.path("weight_map");
        if (!map.isObject() || map.isEmpty() || map.size() > SafetensorsHeader.MAX_TENSORS) {
            throw new MalformedDataException(
                    source,
                    -1,
                    "expected weight_map to be an object of 1 to " + SafetensorsHeader.MAX_TENSORS
                            + " tensor names, found " + map.getNodeType() + " of " + map.size());
        }
        var weightMap = new LinkedHashMap<String, String>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            JsonNode file = entry.getValue();
            if (!file.isTextual() || !FILE_NAME.matcher(file.textValue()).matches()) {
                throw new MalformedDataException(
                        source,
                        -1,
                        "expected " + StrictJson.shown(entry.getKey())
                                + " to be in a .safetensors file of this directory, found "
                                + StrictJson.shown(file.toString()));
            }
            weightMap.put(entry.getKey(), file.textValue());
        }
        var result = new ShardIndex(Collections.unmodifiableMap(weightMap));
        if (result.files().size() > MAX_SHARDS) {
            throw new MalformedDataException(
                    source,
                    -1,
                    "expected at most " + MAX_SHARDS + " shards, found "
                            + result.files().size());
        }
        return result;
    }

    /** The names of the shards, in order. */
    Set<String> files() {
        return new TreeSet<>(weightMap.values());
    }

    /**
     * Checks that a shard holds exactly the tensors mapped to it.
     *
     * @param found names of all tensors in the shard
     * @throws MalformedDataException naming a tensor that is missing or should not be there
     */
    void check(String source, String file, Set<String> found) throws MalformedDataException {
        for (Map.Entry<String, String> entry : weightMap.entrySet()) {
            if (entry.getValue().equals(file) && !found.contains(entry.getKey())) {
                throw new MalformedDataException(
                        source, -1, "expected tensor " + StrictJson.shown(entry.getKey()) + " as the index says");
            }
        }
        for (String name : found) {
            if (!file.equals(weightMap.get(name))) {
                throw new MalformedDataException(
                        source, -1, "holds tensor " + StrictJson.shown(name) + ", which the index does not map to it");
            }
        }
    }
}
