package sn9.chain.scale;

import java.math.BigInteger;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * Signed extrinsics of version 4 (spec/chain.md 6). The extensions and their order come from metadata; one that is unknown
 * is passed over when it takes no bytes, and refused by name when it does.
 */
public final class ExtrinsicFormat {
    /** Longer payloads are signed by their hash. */
    private static final int MAX_SIGNED_BYTES = 256;

    private static final int VERSION = 4;
    private static final int SIGNED = 0x80;

    private final Metadata metadata;
    private final TypeRegistry types;

    /**
     * Prepares to write extrinsics of a runtime.
     *
     * @throws MalformedDataException when it does not take version 4, or has an unknown extension that takes bytes
     */
    public ExtrinsicFormat(Metadata metadata) throws MalformedDataException {
        this.metadata = metadata;
        this.types = metadata.types();
        if (metadata.extrinsic().version() != VERSION) {
            throw new MalformedDataException(
                    "runtime metadata",
                    -1,
                    "expected extrinsics of version " + VERSION + ", found "
                            + metadata.extrinsic().version());
        }
        for (var extension : metadata.extrinsic().extensions()) {
            checkKnown(extension);
        }
        try {
            address(new byte[32]);
            signature(new byte[64]);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException("runtime metadata", -1, e.getMessage(), e);
        }
    }

    /** The bytes whose signature an extrinsic carries: the payload, or BLAKE2b-256 of a payload over 256 bytes. */
    public byte[] bytesToSign(byte[] call, SigningContext context) {
        byte[] payload = payload(call, context);
        return payload.length > MAX_SIGNED_BYTES ? StorageHasher.blake2b(payload, 32) : payload;
    }

    /** Call, extras and what is signed but not sent. */
    public byte[] payload(byte[] call, SigningContext context) {
        var out = new ScaleWriter().bytes(call).bytes(extras(context));
        for (var extension : metadata.extrinsic().extensions()) {
            write(extension, extension.additional(), additional(extension.identifier(), context), out);
        }
        return out.toBytes();
    }

    /**
     * A whole extrinsic, with its length before it.
     *
     * @param account public key of the sender, 32 bytes
     * @param signature sr25519 signature of {@link #bytesToSign}, 64 bytes
     */
    public byte[] extrinsic(byte[] account, byte[] signature, byte[] call, SigningContext context) {
        var body = new ScaleWriter().u8(SIGNED | VERSION);
        body.bytes(address(account))
                .bytes(signature(signature))
                .bytes(extras(context))
                .bytes(call);
        return new ScaleWriter().byteList(body.toBytes()).toBytes();
    }

    /** The extensions' bytes that are sent. */
    private byte[] extras(SigningContext context) {
        var out = new ScaleWriter();
        for (var extension : metadata.extrinsic().extensions()) {
            if (isMortality(extension.identifier())) {
                context.era().write(out);
            } else {
                write(extension, extension.type(), extra(extension.identifier(), context), out);
            }
        }
        return out.toBytes();
    }

    /** {@code MultiAddress::Id}, or the bare account where the runtime has no address enum. */
    private byte[] address(byte[] account) {
        return metadata.extrinsic().address().stream()
                .filter(type -> types.definition(type) instanceof TypeDefinition.Variants)
                .mapToObj(type -> types.bytes(type, Value.choice("Id", Value.of(account))))
                .findFirst()
                .orElse(account);
    }

    /** {@code MultiSignature::Sr25519}. */
    private byte[] signature(byte[] signature) {
        var choice = Value.choice("Sr25519", Value.of(signature));
        return metadata.extrinsic().signature().stream()
                .mapToObj(type -> types.bytes(type, choice))
                .findFirst()
                .orElseGet(() -> new ScaleWriter().u8(1).bytes(signature).toBytes());
    }

    private void checkKnown(Metadata.Extension extension) throws MalformedDataException {
        String name = extension.identifier();
        var context = new SigningContext(0, 0, new byte[32], Era.IMMORTAL, new byte[32], 0, BigInteger.ZERO);
        try {
            if (!isMortality(name)) {
                write(extension, extension.type(), extra(name, context), new ScaleWriter());
            }
            write(extension, extension.additional(), additional(name, context), new ScaleWriter());
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException("runtime metadata", -1, e.getMessage(), e);
        }
    }

    private void write(Metadata.Extension extension, int type, Optional<Value> value, ScaleWriter out) {
        if (value.isEmpty()) {
            if (!types.isEmpty(type)) {
                throw new IllegalArgumentException("transaction extension " + extension.identifier() + " wants "
                        + types.describe(type) + ", of which this version of sn9 knows nothing; is there a newer one?");
            }
            return;
        }
        try {
            types.write(type, value.get(), out);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "transaction extension " + extension.identifier() + ": " + e.getMessage(), e);
        }
    }

    private static boolean isMortality(String extension) {
        return extension.equals("CheckMortality") || extension.equals("CheckEra");
    }

    /** What a known extension sends. */
    private static Optional<Value> extra(String extension, SigningContext context) {
        return Optional.ofNullable(
                switch (extension) {
                    case "CheckNonce" -> Value.of(context.nonce());
                    case "ChargeTransactionPayment", "ChargeTransactionPaymentWrapper" -> Value.of(context.tip());
                    case "CheckMetadataHash" -> Value.struct("mode", Value.choice("Disabled"));
                    default -> null;
                });
    }

    /** What a known extension has signed but does not send. */
    private static Optional<Value> additional(String extension, SigningContext context) {
        return Optional.ofNullable(
                switch (extension) {
                    case "CheckSpecVersion" -> Value.of(context.specVersion());
                    case "CheckTxVersion" -> Value.of(context.transactionVersion());
                    case "CheckGenesis" -> Value.of(context.genesisHash());
                    case "CheckMortality", "CheckEra" -> Value.of(context.eraHash());
                    case "CheckMetadataHash" -> Value.none();
                    default -> null;
                });
    }
}
