package sn9.localnet.chain;

import java.util.List;
import java.util.OptionalInt;
import sn9.chain.scale.Metadata;
import sn9.chain.scale.PortableType;
import sn9.chain.scale.ScaleWriter;
import sn9.chain.scale.TypeDefinition;

/**
 * Writes runtime metadata of version 14 or 15 (paritytech/frame-metadata:frame-metadata/src/v14.rs, v15.rs), the other
 * side of {@link sn9.chain.scale.MetadataReader}.
 */
final class MetadataWriter {
    private static final long MAGIC = 0x6174656dL; // "meta"

    private final ScaleWriter out = new ScaleWriter();
    private final int version;

    private MetadataWriter(int version) {
        this.version = version;
    }

    /** The whole blob. */
    static byte[] write(Metadata metadata, int version) {
        if (version != 14 && version != 15) {
            throw new IllegalArgumentException("metadata version " + version + ", expected 14 or 15");
        }
        var writer = new MetadataWriter(version);
        writer.metadata(metadata);
        return writer.out.toBytes();
    }

    private void metadata(Metadata metadata) {
        out.u32(MAGIC).u8(version);
        List<PortableType> types = metadata.types().types();
        out.compact(types.size());
        for (int id = 0; id < types.size(); id++) {
            out.compact(id);
            type(types.get(id));
        }
        out.compact(metadata.pallets().size());
        metadata.pallets().forEach(this::pallet);
        extrinsic(metadata.extrinsic());
        out.compact(metadata.runtimeType().orElseThrow());
        if (version == 15) {
            out.compact(metadata.apis().size());
            metadata.apis().forEach(this::api);
            var outer = metadata.outerEnums().orElseThrow();
            out.compact(outer.call()).compact(outer.event()).compact(outer.error());
            out.compact(0); // custom values
        }
    }

    private void type(PortableType type) {
        texts(type.path());
        out.compact(type.parameters().size());
        for (var parameter : type.parameters()) {
            out.text(parameter.name());
            option(parameter.type());
        }
        switch (type.definition()) {
            case TypeDefinition.Composite composite -> {
                out.u8(0);
                fields(composite.fields());
            }
            case TypeDefinition.Variants variants -> {
                out.u8(1).compact(variants.variants().size());
                for (var variant : variants.variants()) {
                    out.text(variant.name());
                    fields(variant.fields());
                    out.u8(variant.index());
                    texts(variant.docs());
                }
            }
            case TypeDefinition.Sequence sequence -> out.u8(2).compact(sequence.type());
            case TypeDefinition.Array array -> out.u8(3).u32(array.length()).compact(array.type());
            case TypeDefinition.Tuple tuple -> {
                out.u8(4).compact(tuple.types().size());
                tuple.types().forEach(out::compact);
            }
            case TypeDefinition.Basic basic -> out.u8(5).u8(basic.primitive().ordinal());
            case TypeDefinition.Compact compact -> out.u8(6).compact(compact.type());
            case TypeDefinition.BitSequence bits ->
                out.u8(7).compact(bits.store()).compact(bits.order());
        }
        texts(type.docs());
    }

    private void fields(List<TypeDefinition.Field> fields) {
        out.compact(fields.size());
        for (var field : fields) {
            out.bool(field.name().isPresent());
            field.name().ifPresent(out::text);
            out.compact(field.type());
            out.bool(field.typeName().isPresent());
            field.typeName().ifPresent(out::text);
            texts(field.docs());
        }
    }

    private void pallet(Metadata.Pallet pallet) {
        out.text(pallet.name());
        out.bool(pallet.storage().isPresent());
        pallet.storage().ifPresent(storage -> {
            out.text(storage.prefix()).compact(storage.entries().size());
            storage.entries().forEach(this::entry);
        });
        option(pallet.calls());
        option(pallet.events());
        out.compact(pallet.constants().size());
        for (var constant : pallet.constants()) {
            out.text(constant.name()).compact(constant.type()).byteList(constant.value());
            texts(constant.docs());
        }
        option(pallet.errors());
        out.u8(pallet.index());
        if (version == 15) {
            texts(pallet.docs());
        }
    }

    private void entry(Metadata.StorageEntry entry) {
        out.text(entry.name()).u8(entry.optional() ? 0 : 1).u8(entry.key().isPresent() ? 1 : 0);
        entry.key().ifPresent(key -> {
            out.compact(entry.hashers().size());
            entry.hashers().forEach(hasher -> out.u8(hasher.ordinal()));
            out.compact(key);
        });
        out.compact(entry.value()).byteList(entry.fallback());
        texts(entry.docs());
    }

    private void extrinsic(Metadata.Extrinsic extrinsic) {
        if (version == 14) {
            out.compact(extrinsic.type().orElseThrow()).u8(extrinsic.version());
        } else {
            out.u8(extrinsic.version());
            out.compact(extrinsic.address().orElseThrow())
                    .compact(extrinsic.call().orElseThrow());
            out.compact(extrinsic.signature().orElseThrow())
                    .compact(extrinsic.extra().orElseThrow());
        }
        out.compact(extrinsic.extensions().size());
        for (var extension : extrinsic.extensions()) {
            out.text(extension.identifier()).compact(extension.type()).compact(extension.additional());
        }
    }

    private void api(Metadata.RuntimeApi api) {
        out.text(api.name()).compact(api.methods().size());
        for (var method : api.methods()) {
            out.text(method.name()).compact(method.inputs().size());
            method.inputs().forEach(input -> out.text(input.name()).compact(input.type()));
            out.compact(method.output());
            texts(method.docs());
        }
        texts(api.docs());
    }

    private void option(OptionalInt type) {
        out.bool(type.isPresent());
        type.ifPresent(out::compact);
    }

    private void texts(List<String> texts) {
        out.compact(texts.size());
        texts.forEach(out::text);
    }
}
