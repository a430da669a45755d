package sn9.chain.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sn9.MalformedDataException;
import sn9.chain.scale.TypeDefinition.Field;
import sn9.chain.scale.TypeDefinition.Variant;

class ValueTest {
    private static final int U8 = 0;
    private static final int U16 = 1;
    private static final int BYTES = 2;
    private static final int NUMBERS = 3;
    private static final int PAIR = 4;
    private static final int ACCOUNT = 5;
    private static final int OPTION = 6;
    private static final int COMPACT = 7;
    private static final int STRUCT = 8;
    private static final int UNIT = 9;
    private static final int UNITS = 10;
    private static final int LOOP = 11;
    private static final int FORK = 12;
    private static final int MANY_UNITS = 13;
    private static final int ARRAY = 14;
    private static final int BITS = 15;
    private static final int LSB0 = 16;
    private static final int I16 = 17;
    private static final int BOOL = 18;
    private static final int TEXT = 19;
    private static final int COMPACT_TEXT = 20;

    static final TypeRegistry TYPES = new TypeRegistry(List.of(
            type(new TypeDefinition.Basic(Primitive.U8)),
            type(new TypeDefinition.Basic(Primitive.U16)),
            type(new TypeDefinition.Sequence(U8)),
            type(new TypeDefinition.Sequence(U16)),
            type(new TypeDefinition.Tuple(List.of(U16, ACCOUNT))),
            type(new TypeDefinition.Composite(List.of(unnamed(ARRAY))), "AccountId32"),
            type(
                    new TypeDefinition.Variants(List.of(
                            new Variant("None", List.of(), 0, List.of()),
                            new Variant("Some", List.of(unnamed(U16)), 1, List.of()))),
                    "Option"),
            type(new TypeDefinition.Compact(U16)),
            type(new TypeDefinition.Composite(List.of(named("netuid", U16), named("info", BYTES))), "Info"),
            type(new TypeDefinition.Tuple(List.of())),
            type(new TypeDefinition.Sequence(UNIT)),
            type(new TypeDefinition.Composite(List.of(unnamed(LOOP)))),
            type(new TypeDefinition.Composite(List.of(named("a", FORK), named("b", FORK)))),
            type(new TypeDefinition.Array(0xFFFF_FFFFL, UNIT)),
            type(new TypeDefinition.Array(32, U8)),
            type(new TypeDefinition.BitSequence(U8, LSB0)),
            type(new TypeDefinition.Composite(List.of()), "Lsb0"),
            type(new TypeDefinition.Basic(Primitive.I16)),
            type(new TypeDefinition.Basic(Primitive.BOOL)),
            type(new TypeDefinition.Basic(Primitive.STR)),
            type(new TypeDefinition.Compact(TEXT))));

    record Case(int type, Value value, String hex) {}

    /** The vectors of shared/spec/chain-vectors.json, {@code scale}, and more. */
    static Stream<Case> cases() {
        byte[] alice = Vectors.hex("0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
        return Stream.of(
                new Case(U8, Value.of(255), "0xff"),
                new Case(U16, Value.of(65_535), "0xffff"),
                new Case(I16, Value.of(-2), "0xfeff"),
                new Case(BOOL, Value.of(true), "0x01"),
                new Case(TEXT, Value.of("subnet 9 — ok"), "0x3c7375626e6574203920e28094206f6b"),
                new Case(BYTES, Value.of(new byte[] {1, 2, 3}), "0x0c010203"),
                new Case(OPTION, Value.none(), "0x00"),
                new Case(OPTION, Value.some(Value.of(7)), "0x010700"),
                new Case(NUMBERS, Value.numbers(0, 1, 65_535), "0x0c00000100ffff"),
                new Case(
                        PAIR,
                        Value.items(Value.of(9), Value.of(alice)),
                        "0x0900d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"),
                new Case(COMPACT, Value.of(16_384), "0x02000100"),
                new Case(STRUCT, Value.struct("netuid", Value.of(9), "info", Value.of(new byte[] {5})), "0x09000405"),
                new Case(UNIT, Value.items(new Value[0]), "0x"));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void valuesAreWrittenAndReadBack(Case c) throws MalformedDataException {
        assertThat(Vectors.hex(TYPES.bytes(c.type(), c.value()))).isEqualTo(c.hex());
        assertThat(TYPES.read(c.type(), "test", Vectors.hex(c.hex()))).isEqualTo(c.value());
    }

    @Test
    void loopsInTheRegistryEnd() {
        for (int type : new int[] {LOOP, FORK}) {
            assertThatThrownBy(() -> TYPES.read(type, "test", new byte[100]))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("nested deeper");
            assertThat(TYPES.isEmpty(type)).isFalse();
            assertThat(TYPES.describe(type)).isEqualTo("Composite");
        }
    }

    @Test
    void listsOfNothingEnd() {
        assertThatThrownBy(() -> TYPES.read(MANY_UNITS, "test", new byte[0]))
                .hasMessageContaining("more than 1000000 values");
        assertThatThrownBy(() -> TYPES.read(UNITS, "test", Vectors.hex("0x03ffffffff")))
                .isInstanceOf(MalformedDataException.class);
    }

    @Test
    void knowsWhatTakesNoBytes() {
        assertThat(TYPES.isEmpty(UNIT)).isTrue();
        assertThat(TYPES.isEmpty(LSB0)).isTrue();
        assertThat(TYPES.isEmpty(U8)).isFalse();
        assertThat(TYPES.isEmpty(OPTION)).isFalse();
    }

    @Test
    void readsBits() throws MalformedDataException {
        var bits = TYPES.read(BITS, "test", Vectors.hex("0x280501")); // ten bits: 1010 0000 10
        assertThat(bits.items().stream().map(bit -> ((Value.Bool) bit).value()))
                .containsExactly(true, false, true, false, false, false, false, false, true, false);
    }

    @Test
    void whatDoesNotFitIsNamed() {
        assertThatThrownBy(() -> TYPES.bytes(U8, Value.of(256)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("256 does not fit u8");
        assertThatThrownBy(() -> TYPES.bytes(COMPACT, Value.of(65_536))).hasMessageContaining("Compact<u16>");
        assertThatThrownBy(() -> TYPES.bytes(ACCOUNT, Value.of(new byte[31]))).hasMessageContaining("[u8; 32]");
        assertThatThrownBy(() -> TYPES.bytes(OPTION, Value.choice("Perhaps"))).hasMessageContaining("Perhaps");
        assertThatThrownBy(() -> TYPES.bytes(STRUCT, Value.struct("netuid", Value.of(1))))
                .hasMessageContaining("[netuid: u16, info: Vec<u8>]");
        assertThatThrownBy(() -> TYPES.bytes(U16, Value.of(true))).hasMessageContaining("expected u16");
    }

    @Test
    void compactNumbersBeyondTheirTypeAreMalformed() throws MalformedDataException {
        assertThat(TYPES.read(COMPACT, "test", Vectors.hex("0xfeff0300"))).isEqualTo(Value.of(65_535));
        assertThatThrownBy(() -> TYPES.read(COMPACT, "test", Vectors.hex("0x02000400")))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("65536 does not fit Compact<u16>");
        // The longest form there is, 67 bytes.
        assertThatThrownBy(() -> TYPES.read(COMPACT, "test", Vectors.hex("0xff" + "ff".repeat(67))))
                .isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> TYPES.read(COMPACT_TEXT, "test", new byte[] {4}))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("no compact form");
        assertThatThrownBy(() -> TYPES.bytes(COMPACT_TEXT, Value.of(1))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void wrongQuestionsAreMalformedData() {
        Value number = Value.of(BigInteger.TWO.pow(64));
        assertThatThrownBy(number::natural).isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(number::bytes).isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> number.field("x")).hasMessageContaining("a field x");
        assertThatThrownBy(() -> Value.numbers(1).at(1)).hasMessageContaining("more than 1 values");
        assertThatThrownBy(() -> Value.choice("Other").optional()).hasMessageContaining("Some or None");
    }

    @Test
    void refusesUnknownExtensionsThatTakeBytes() {
        assertThatThrownBy(() -> new ExtrinsicFormat(metadata(new Metadata.Extension("CheckMoon", U8, UNIT))))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("CheckMoon")
                .hasMessageContaining("newer");
        assertThatThrownBy(() -> new ExtrinsicFormat(metadata(new Metadata.Extension("CheckMoon", UNIT, ACCOUNT))))
                .hasMessageContaining("CheckMoon");
        assertThatThrownBy(() -> new ExtrinsicFormat(metadata(new Metadata.Extension("CheckNonce", BYTES, UNIT))))
                .hasMessageContaining("CheckNonce");
    }

    /** An address or a signature of another kind than ours, found before anything is signed. */
    @Test
    void refusesRuntimesWithoutOurAddressOrSignature() {
        for (int part = 0; part < 2; part++) {
            var extrinsic = new Metadata.Extrinsic(
                    4,
                    OptionalInt.empty(),
                    part == 0 ? OptionalInt.of(OPTION) : OptionalInt.empty(),
                    OptionalInt.empty(),
                    part == 1 ? OptionalInt.of(OPTION) : OptionalInt.empty(),
                    OptionalInt.empty(),
                    List.of());
            var metadata = new Metadata(
                    TYPES, List.of(), extrinsic, OptionalInt.empty(), List.of(), Optional.empty(), List.of());
            assertThatThrownBy(() -> new ExtrinsicFormat(metadata))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("Option has no variant " + (part == 0 ? "Id" : "Sr25519"));
        }
    }

    @Test
    void passesOverUnknownExtensionsWithoutBytes() throws MalformedDataException {
        var format = new ExtrinsicFormat(metadata(
                new Metadata.Extension("CheckMoon", UNIT, UNIT), new Metadata.Extension("CheckNonce", COMPACT, UNIT)));
        var context = new SigningContext(1, 1, new byte[32], Era.IMMORTAL, new byte[32], 5, BigInteger.ZERO);
        assertThat(Vectors.hex(format.payload(new byte[] {7, 0}, context))).isEqualTo("0x070014");
    }

    private static Metadata metadata(Metadata.Extension... extensions) {
        var extrinsic = new Metadata.Extrinsic(
                4,
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                List.of(extensions));
        return new Metadata(TYPES, List.of(), extrinsic, OptionalInt.empty(), List.of(), Optional.empty(), List.of());
    }

    private static PortableType type(TypeDefinition definition, String... path) {
        return new PortableType(List.of(path), List.of(), definition, List.of());
    }

    private static Field unnamed(int type) {
        return new Field(Optional.empty(), type, Optional.empty(), List.of());
    }

    private static Field named(String name, int type) {
        return new Field(Optional.of(name), type, Optional.empty(), List.of());
    }
}
