package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Metadata of three genuine runtimes (spec versions 293, 343 and 393) against what polkadot-js makes of it. */
class RuntimeVectorsTest {
    static Stream<JsonNode> runtimes() throws IOException {
        return Vectors.runtimes();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "metadata-dev-v14-spec293.scale",
                "metadata-dev-v15-spec293.scale",
                "metadata-finney-v14-spec343.scale",
                "metadata-finney-v16-spec393.scale"
            })
    void everyByteOfMetadataIsUnderstood(String file) throws IOException {
        Metadata metadata = Vectors.metadata(file);
        assertThat(metadata.pallet("SubtensorModule").orElseThrow().index()).isEqualTo(7);
        assertThat(metadata.pallet("Commitments").orElseThrow().constant("MaxFields"))
                .isPresent();
        boolean old = file.contains("v14");
        assertThat(metadata.method("NeuronInfoRuntimeApi_get_neurons_lite").isPresent())
                .isEqualTo(!old);
        assertThat(metadata.outerEnums().isPresent()).isEqualTo(!old);
        var call = metadata.types().type(metadata.extrinsic().call().orElseThrow());
        assertThat(call.name()).isEqualTo("RuntimeCall");
    }

    @ParameterizedTest
    @MethodSource("runtimes")
    void palletsAndExtensionsAreTheVectors(JsonNode runtime) throws IOException {
        Metadata metadata = metadata(runtime);
        for (var pallet : runtime.get("pallets")) {
            assertThat(metadata.pallet(pallet.get("name").asText())
                            .orElseThrow()
                            .index())
                    .isEqualTo(pallet.get("index").asInt());
        }
        assertThat(metadata.extrinsic().extensions().stream().map(Metadata.Extension::identifier))
                .containsExactlyElementsOf(Vectors.stream(runtime.get("signedExtensions"))
                        .map(JsonNode::asText)
                        .toList());
        new ExtrinsicFormat(metadata); // knows them all
    }

    @ParameterizedTest
    @MethodSource("runtimes")
    void callIndicesAreTheVectors(JsonNode runtime) throws IOException {
        Metadata metadata = metadata(runtime);
        var calls = runtime.get("callIndices").properties();
        assertThat(calls).hasSizeGreaterThan(20);
        for (var call : calls) {
            var names = call.getKey().split("\\.");
            var pallet = metadata.pallet(capital(names[0])).orElseThrow();
            var variants = (TypeDefinition.Variants)
                    metadata.types().definition(pallet.calls().orElseThrow());
            var variant = variants.find(snake(names[1])).orElseThrow();
            assertThat(String.format("0x%02x%02x", pallet.index(), variant.index()))
                    .isEqualTo(call.getValue().get("hex").asText());
            assertThat(variant.fields().stream().map(f -> f.name().orElseThrow()))
                    .containsExactlyElementsOf(Vectors.stream(call.getValue().get("args"))
                            .map(argument -> snake(argument.asText().split(":")[0]))
                            .toList());
        }
    }

    @ParameterizedTest
    @MethodSource("runtimes")
    void storageKeysAreTheVectors(JsonNode runtime) throws IOException {
        Metadata metadata = metadata(runtime);
        for (var vector : runtime.get("storageKeys")) {
            StorageItem item = item(metadata, vector.get("pallet"), vector.get("item"));
            byte[] expected = Vectors.hex(vector.get("key"));
            var keys = item.keysOf(expected).toArray(Value[]::new);
            assertThat(item.key(keys)).isEqualTo(expected);
            assertThat(keys).hasSize(vector.get("args").size());
            for (int i = 0; i < keys.length; i++) {
                var argument = vector.get("args").get(i);
                if (argument.isNumber()) {
                    assertThat(keys[i]).isEqualTo(Value.of(argument.asLong()));
                }
            }
        }
        for (var vector : runtime.get("storagePrefixes")) {
            Value[] keys = Vectors.stream(vector.get("partialArgs"))
                    .map(argument -> Value.of(argument.asLong()))
                    .toArray(Value[]::new);
            assertThat(Vectors.hex(item(metadata, vector.get("pallet"), vector.get("item"))
                            .key(keys)))
                    .isEqualTo(vector.get("prefix").asText());
        }
    }

    @ParameterizedTest
    @MethodSource("runtimes")
    void storageLayoutsAreTheVectors(JsonNode runtime) throws IOException {
        Metadata metadata = metadata(runtime);
        for (var info : runtime.get("storageInfo").properties()) {
            String[] names = info.getKey().split("\\.");
            var item = StorageItem.of(metadata, capital(names[0]), capital(names[1]));
            var vector = info.getValue();
            assertThat(item.entry().optional())
                    .isEqualTo(vector.get("modifier").asText().equals("Optional"));
            assertThat(Vectors.hex(item.entry().fallback()))
                    .isEqualTo(vector.get("default").asText());
            var hashers = vector.get("type").path("hashers");
            assertThat(item.entry().hashers().stream().map(h -> h.name().replace("_", "")))
                    .containsExactlyElementsOf(Vectors.stream(hashers)
                            .map(h -> h.asText().replace("_", "").toUpperCase(Locale.ROOT))
                            .toList());
            if (!item.entry().optional()) {
                Value fallback = item.value(item.entry().fallback());
                assertThat(metadata.types().bytes(item.entry().value(), fallback))
                        .isEqualTo(item.entry().fallback());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("runtimes")
    void callsPayloadsAndExtrinsicsAreTheVectors(JsonNode runtime) throws IOException {
        Metadata metadata = metadata(runtime);
        var format = new ExtrinsicFormat(metadata);
        int seen = 0;
        for (var vector : runtime.get("calls")) {
            if (vector.has("unavailable")) {
                continue;
            }
            byte[] call = Vectors.hex(vector.get("callData"));
            var in = new ScaleReader(vector.get("name").asText(), call);
            var decoded = Calls.decode(metadata, in);
            in.end();
            var inner = decoded.choice().at(0).choice();
            assertThat(Calls.encode(metadata, decoded.choice().name(), inner.name(), inner.fields()))
                    .isEqualTo(call);
            for (var variant : vector.get("variants")) {
                check(format, call, context(runtime, variant), variant);
                seen++;
            }
        }
        assertThat(seen).isGreaterThan(30);
    }

    /** Hidden weights are committed by their hash, whatever a runtime's version of the timelocked form. */
    @ParameterizedTest
    @MethodSource("runtimes")
    void everyRuntimeTakesHashesOfWeights(JsonNode runtime) throws IOException {
        Metadata metadata = metadata(runtime);
        byte[] hash = new byte[32];
        Value commit = Value.struct("netuid", Value.of(9), "commit_hash", Value.of(hash));
        assertThat(Calls.encode(metadata, "SubtensorModule", "commit_weights", commit))
                .hasSize(2 + 2 + 32);
        Value reveal = Value.struct(
                "netuid", Value.of(9),
                "uids", Value.numbers(0),
                "values", Value.numbers(1),
                "salt", Value.numbers(2),
                "version_key", Value.of(3));
        assertThat(Calls.encode(metadata, "SubtensorModule", "reveal_weights", reveal))
                .hasSize(2 + 2 + 3 * 3 + 8);
        var waiting = StorageItem.of(metadata, "SubtensorModule", "WeightCommits");
        Value commits = Value.items(Value.items(Value.of(hash), Value.of(1), Value.of(2), Value.of(3)));
        assertThat(waiting.value(metadata.types().bytes(waiting.entry().value(), commits)))
                .isEqualTo(commits);
        boolean timelocked = metadata.pallet("SubtensorModule")
                .flatMap(pallet -> pallet.entry("CommitRevealWeightsVersion"))
                .isPresent();
        assertThat(timelocked).isEqualTo(runtime.get("specVersion").asInt() > 300);
    }

    private static void check(ExtrinsicFormat format, byte[] call, SigningContext context, JsonNode variant) {
        assertThat(Vectors.hex(format.payload(call, context)))
                .isEqualTo(variant.get("signingPayload").asText());
        assertThat(Vectors.hex(format.bytesToSign(call, context)))
                .isEqualTo(variant.get("bytesToSign").asText());
        byte[] expected = Vectors.hex(variant.get("exampleSignedExtrinsic"));
        int account = indexOfAccount(expected);
        byte[] sender = Arrays.copyOfRange(expected, account, account + 32);
        byte[] signature = Vectors.hex(variant.get("exampleSignature"));
        byte[] extrinsic = format.extrinsic(
                sender, signature.length == 65 ? Arrays.copyOfRange(signature, 1, 65) : signature, call, context);
        assertThat(extrinsic).isEqualTo(expected);
        assertThat(Vectors.hex(StorageHasher.blake2b(extrinsic, 32)))
                .isEqualTo(variant.get("exampleExtrinsicHash").asText());
    }

    /** After the compact length, the version byte and the tag of the address. */
    private static int indexOfAccount(byte[] extrinsic) {
        return ((extrinsic[0] & 3) == 1 ? 2 : 4) + 2;
    }

    private static SigningContext context(JsonNode runtime, JsonNode variant) {
        Era era = variant.has("eraPeriod")
                ? Era.mortal(
                        variant.get("eraPeriod").asLong(),
                        variant.get("eraCurrent").asLong())
                : Era.IMMORTAL;
        return new SigningContext(
                runtime.get("specVersion").asLong(),
                runtime.get("transactionVersion").asLong(),
                Vectors.hex(variant.get("genesisHash")),
                era,
                Vectors.hex(variant.get("blockHash")),
                variant.get("nonce").asLong(),
                Vectors.number(variant.get("tip")));
    }

    private static StorageItem item(Metadata metadata, JsonNode pallet, JsonNode item) throws IOException {
        return StorageItem.of(metadata, capital(pallet.asText()), capital(item.asText()));
    }

    private static Metadata metadata(JsonNode runtime) throws IOException {
        return Vectors.metadata(runtime.get("metadataFile").asText());
    }

    private static String capital(String name) {
        return Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    private static String snake(String name) {
        return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
