package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The whole state and all events of a genuine runtime (spec version 293), read by its metadata and written back. */
class RecordedStateTest {
    @Test
    void everyStoredValueIsReadAndWrittenBack() throws IOException {
        Metadata metadata = Vectors.metadata("metadata-dev-v15-spec293.scale");
        var items = new ArrayList<StorageItem>();
        for (var pallet : metadata.pallets()) {
            for (var entry : pallet.storage().map(Metadata.Storage::entries).orElse(List.of())) {
                items.add(StorageItem.of(metadata, pallet.name(), entry.name()));
            }
        }
        int understood = 0;
        for (var stored :
                Vectors.shared("chain/chain-state-293.json").get("entries").properties()) {
            byte[] key = Vectors.hex(stored.getKey());
            byte[] bytes = Vectors.hex(stored.getValue());
            var item = find(items, key);
            if (item.isPresent()) {
                Value value = item.get().value(bytes);
                assertThat(metadata.types().bytes(item.get().entry().value(), value))
                        .as(item.get().name())
                        .isEqualTo(bytes);
                understood++;
            }
        }
        assertThat(understood).isGreaterThan(700);
    }

    @Test
    void recordedEventsAndErrorsAreRead() throws IOException {
        Metadata metadata = Vectors.metadata("metadata-dev-v15-spec293.scale");
        var item = StorageItem.of(metadata, "System", "Events");
        int errors = 0;
        for (var recorded : Vectors.shared("chain/chain-recorded-293.json").get("extrinsics")) {
            if (!recorded.has("eventsHex")) {
                continue;
            }
            var events = RuntimeEvents.read(item.value(Vectors.hex(recorded.get("eventsHex"))));
            var decoded = recorded.get("eventsDecoded");
            assertThat(events).hasSize(decoded.size());
            for (int i = 0; i < events.size(); i++) {
                String name = decoded.get(i).get("event").asText();
                assertThat(events.get(i).pallet() + "." + events.get(i).name()).isEqualToIgnoringCase(name);
                assertThat(events.get(i).extrinsic())
                        .hasValue(decoded.get(i)
                                .get("phase")
                                .get("ApplyExtrinsic")
                                .asInt());
                if (events.get(i).is("System", "ExtrinsicFailed")) {
                    String error = RuntimeEvents.errorName(
                            metadata, events.get(i).fields().field("dispatch_error"));
                    var expected = recorded.get("dispatchError");
                    assertThat(error)
                            .isEqualTo(
                                    expected.has("name")
                                            ? metadata.pallet(expected.get("index")
                                                                    .asInt())
                                                            .orElseThrow()
                                                            .name()
                                                    + "." + expected.get("name").asText()
                                            : "Arithmetic."
                                                    + expected.get("Arithmetic").asText());
                    errors++;
                }
            }
        }
        assertThat(errors).isEqualTo(7);
    }

    private static Optional<StorageItem> find(Iterable<StorageItem> items, byte[] key) {
        for (var item : items) {
            if (key.length >= item.prefix().length
                    && Arrays.equals(item.prefix(), Arrays.copyOf(key, item.prefix().length))) {
                return Optional.of(item);
            }
        }
        return Optional.empty();
    }
}
