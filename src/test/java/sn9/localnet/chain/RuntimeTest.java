package sn9.localnet.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.MetadataReader;
import sn9.chain.scale.StorageItem;
import sn9.chain.scale.TypeDefinition;
import sn9.chain.scale.TypeRegistry;
import sn9.testing.SharedFiles;

class RuntimeTest {
    private static final Runtime RUNTIME = Runtime.embedded();

    @Test
    void metadataOfBothVersionsReadsBackAsItIs() throws Exception {
        Metadata made = RUNTIME.metadata();
        Metadata v14 = MetadataReader.read("v14", RUNTIME.blob(14).orElseThrow());
        Metadata v15 = MetadataReader.read("v15", RUNTIME.blob(15).orElseThrow());
        assertThat(v14.types()).isEqualTo(made.types()).isEqualTo(v15.types());
        assertThat(v15.apis()).isEqualTo(made.apis());
        assertThat(v15.outerEnums()).isEqualTo(made.outerEnums());
        assertThat(v14.extrinsic().extensions())
                .isEqualTo(made.extrinsic().extensions())
                .isEqualTo(v15.extrinsic().extensions());
        assertThat(v14.extrinsic().call()).isEqualTo(v15.extrinsic().call());
        assertThat(v14.pallets()).usingRecursiveComparison().isEqualTo(made.pallets());
        assertThat(v15.pallets()).usingRecursiveComparison().isEqualTo(made.pallets());
        assertThat(RUNTIME.blob(16)).isEmpty();
    }

    @Test
    void callsAreTheSameBytesAsOnTheGenuineChain() throws Exception {
        JsonNode calls = vectors().get("calls");
        assertThat(calls.size()).isGreaterThan(12);
        for (var call : calls.properties()) {
            byte[] bytes = hex(call.getValue());
            assertThat(RUNTIME.callBytes(RUNTIME.call(bytes))).as(call.getKey()).isEqualTo(bytes);
        }
    }

    @Test
    void storageKeysAndDefaultsAreTheSameBytesAsOnTheGenuineChain() throws Exception {
        for (JsonNode vector : vectors().get("storageKeys")) {
            StorageItem item = RUNTIME.item(vector.get("item").textValue());
            byte[] key = hex(vector.get("key"));
            var keys = item.keysOf(key).toArray(new sn9.chain.scale.Value[0]);
            assertThat(item.key(keys)).as(item.name()).isEqualTo(key);
        }
        for (var vector : vectors().get("defaults").properties()) {
            assertThat(RUNTIME.item(vector.getKey()).entry().fallback())
                    .as(vector.getKey())
                    .isEqualTo(hex(vector.getValue()));
        }
    }

    @Test
    void transactionExtensionsAreTheGenuineOnes() throws Exception {
        List<String> names = RUNTIME.metadata().extrinsic().extensions().stream()
                .map(Metadata.Extension::identifier)
                .toList();
        assertThat(names).hasSize(13);
        assertThat(new ObjectMapper().valueToTree(names).equals(vectors().get("extensions")))
                .isTrue();
    }

    /** Where the stored metadata is at hand: every name, index, hasher and field that we declare is as it is there. */
    @Test
    void whatIsDeclaredIsDeclaredAsTheGenuineMetadataHasIt() throws Exception {
        Metadata genuine = MetadataReader.read("genuine", SharedFiles.bytes("chain/metadata-finney-v16-spec393.scale"));
        for (var pallet : RUNTIME.metadata().pallets()) {
            var other = genuine.pallet(pallet.name()).orElseThrow();
            assertThat(pallet.index()).isEqualTo(other.index());
            sameVariants(genuine.types(), pallet.calls(), other.calls());
            sameVariants(genuine.types(), pallet.events(), other.events());
            sameVariants(genuine.types(), pallet.errors(), other.errors());
            for (var entry : pallet.storage().map(Metadata.Storage::entries).orElse(List.of())) {
                var found = other.entry(entry.name()).orElseThrow();
                assertThat(entry.hashers()).as(entry.name()).isEqualTo(found.hashers());
                assertThat(entry.optional()).as(entry.name()).isEqualTo(found.optional());
                assertThat(entry.fallback()).as(entry.name()).isEqualTo(found.fallback());
                assertThat(RUNTIME.metadata().types().describe(entry.value()))
                        .as(entry.name())
                        .isEqualTo(genuine.types().describe(found.value()));
            }
        }
    }

    @Test
    void namesThatAreNotDeclaredAreRefused() {
        assertThatThrownBy(() -> RUNTIME.item("System.Nothing")).hasMessageContaining("System.Nothing");
        assertThatThrownBy(() -> RUNTIME.moduleError("System", "Nothing")).hasMessageContaining("Nothing");
        assertThatThrownBy(() -> RuntimeText.parse("runtime a 1 1 struct x::Y(u8) struct z::Y(u8)"))
                .hasMessageContaining("Y twice");
        assertThatThrownBy(() -> RuntimeText.parse("runtime a 1 1 pallet P 0 m { call x }"))
                .hasMessageContaining("expected a number, found x");
        assertThatThrownBy(() -> RuntimeText.parse("runtime a 1")).hasMessageContaining("the end");
    }

    private static void sameVariants(TypeRegistry genuine, OptionalInt ours, OptionalInt theirs) {
        if (ours.isEmpty()) {
            return;
        }
        TypeRegistry types = RUNTIME.metadata().types();
        var other = (TypeDefinition.Variants) genuine.definition(theirs.orElseThrow());
        for (var variant : ((TypeDefinition.Variants) types.definition(ours.getAsInt())).variants()) {
            var found = other.find(variant.name()).orElseThrow();
            assertThat(variant.index()).as(variant.name()).isEqualTo(found.index());
            assertThat(variant.fields()).as(variant.name()).hasSameSizeAs(found.fields());
            for (int i = 0; i < variant.fields().size(); i++) {
                var field = variant.fields().get(i);
                assertThat(field.name()).isEqualTo(found.fields().get(i).name());
                assertThat(types.describe(field.type()))
                        .as(variant.name())
                        .isEqualTo(genuine.describe(found.fields().get(i).type()));
            }
        }
    }

    private static JsonNode vectors() throws IOException {
        return new ObjectMapper().readTree(RuntimeTest.class.getResourceAsStream("runtime-393.json"));
    }

    private static byte[] hex(JsonNode node) {
        return HexFormat.of().parseHex(node.textValue().substring(2));
    }
}
