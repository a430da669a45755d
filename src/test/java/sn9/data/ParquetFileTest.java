package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import blue.strategic.parquet.Dehydrator;
import blue.strategic.parquet.ParquetWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import sn9.MalformedDataException;

class ParquetFileTest {
    @TempDir
    Path dir;

    @Test
    void readsWhatParquetFloorWrites() throws Exception {
        List<String> texts = texts(2000);
        Path file = dir.resolve("a.parquet");
        write(file, texts);
        assertThat(JsonLinesFileTest.rows(new ParquetFile(file))).isEqualTo(rows(texts));
    }

    @ParameterizedTest
    @CsvSource({
        "UNCOMPRESSED, 1, true",
        "SNAPPY, 1, true",
        "SNAPPY, 1, false",
        "ZSTD, 1, true",
        "ZSTD, 1, false",
        "ZSTD, 2, true",
        "UNCOMPRESSED, 2, true",
        "SNAPPY, 2, false"
    })
    void readsEveryCodecPageVersionAndEncoding(CompressionCodecName codec, int version, boolean dictionary)
            throws Exception {
        List<String> texts = texts(1000);
        Path file = dir.resolve("b.parquet");
        // Few distinct values, so that version 2 keeps its dictionary; without one it means delta encoding.
        var distinct = version == 2 && dictionary ? texts.subList(0, 50) : texts;
        var many = new ArrayList<String>();
        for (int i = 0; i < texts.size(); i++) {
            many.add(distinct.get(i % distinct.size()));
        }
        writeGroups(file, "optional binary text (STRING);", codec, version, dictionary, many);
        assertThat(JsonLinesFileTest.rows(new ParquetFile(file))).isEqualTo(rows(many));
        writeGroups(file, "required binary content (STRING);", codec, version, dictionary, many);
        assertThat(JsonLinesFileTest.rows(new ParquetFile(file))).isEqualTo(rows(many));
    }

    @Test
    void readsGzip() throws Exception {
        List<String> texts = texts(300);
        Path file = dir.resolve("g.parquet");
        writeGroups(file, "optional binary text (STRING);", CompressionCodecName.GZIP, 1, true, texts);
        assertThat(JsonLinesFileTest.rows(new ParquetFile(file))).isEqualTo(rows(texts));
    }

    @Test
    void refusesCodecsItDoesNotKnow() throws Exception {
        Path file = dir.resolve("l.parquet");
        writeGroups(file, "optional binary text (STRING);", CompressionCodecName.LZ4_RAW, 1, true, texts(5));
        assertThatThrownBy(() -> JsonLinesFileTest.rows(new ParquetFile(file)))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("codec 7")
                .hasMessageContaining("zstd");
    }

    @Test
    void readsScatteredRowsAcrossPagesAndGroups() throws Exception {
        List<String> texts = texts(3000);
        Path file = dir.resolve("s.parquet");
        for (int version = 1; version <= 2; version++) {
            writeGroups(file, "optional binary text (STRING);", CompressionCodecName.ZSTD, version, true, texts);
            try (CorpusFile.RowReader reader = new ParquetFile(file).open()) {
                for (int step : new int[] {1, 7, 90, 700, 2999}) {
                    for (int row = 0; row < texts.size(); row += step) {
                        assertThat(reader.row(row, 0, 0))
                                .isEqualTo(Rows.of(texts.get(row)).getFirst());
                    }
                }
                assertThatThrownBy(() -> reader.row(3000, 0, 0)).isInstanceOf(MalformedDataException.class);
                assertThatThrownBy(() -> reader.row(0, 0, 100)).isInstanceOf(MalformedDataException.class);
            }
        }
    }

    @Test
    void nullsAreDocumentsWithoutRows() throws Exception {
        List<String> texts = texts(500);
        for (int i = 0; i < texts.size(); i += 3) {
            texts.set(i, null);
        }
        Path file = dir.resolve("n.parquet");
        writeGroups(file, "optional binary text (STRING);", CompressionCodecName.SNAPPY, 1, true, texts);
        texts.removeIf(text -> text == null);
        assertThat(JsonLinesFileTest.rows(new ParquetFile(file))).isEqualTo(rows(texts));
    }

    @Test
    void findsTheColumnAmongOthers() throws Exception {
        Path file = dir.resolve("o.parquet");
        writeGroups(
                file,
                "optional group meta { optional binary text (STRING); repeated int32 n; }"
                        + " optional binary content (STRING); optional binary text (STRING);",
                CompressionCodecName.ZSTD,
                1,
                true,
                List.of("one", "two"));
        assertThat(JsonLinesFileTest.rows(new ParquetFile(file))).containsExactly("one", "two");
    }

    @Test
    void refusesFilesWithoutAPlainTextColumn() throws Exception {
        Path file = dir.resolve("w.parquet");
        for (String columns : List.of(
                "optional binary words (STRING);",
                "optional int64 text;",
                "repeated binary text (STRING);",
                "optional group text { optional binary text (STRING); }")) {
            writeGroups(file, columns, CompressionCodecName.SNAPPY, 1, true, List.of());
            assertThatThrownBy(() -> JsonLinesFileTest.rows(new ParquetFile(file)))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("w.parquet")
                    .hasMessageContaining("\"text\" or \"content\"");
        }
    }

    @Test
    void refusesWhatIsNoParquet() throws Exception {
        Path file = dir.resolve("x.parquet");
        byte[] valid = small();
        byte[] huge = valid.clone();
        ByteBuffer.wrap(huge).order(ByteOrder.LITTLE_ENDIAN).putInt(huge.length - 8, Integer.MAX_VALUE);
        for (byte[] bytes : List.of(
                new byte[0], new byte[] {1, 2, 3}, new byte[100], Arrays.copyOf(valid, valid.length - 1), huge)) {
            Files.write(file, bytes);
            assertThatThrownBy(() -> JsonLinesFileTest.rows(new ParquetFile(file)))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("x.parquet");
        }
    }

    /** Claims of enormous sizes end in MalformedDataException, not in an OutOfMemoryError of this 2 GiB machine. */
    @Test
    void mutatedFilesGiveRowsOrMalformedData() throws Exception {
        var random = new Random(941);
        var seeds = new ArrayList<byte[]>();
        Path file = dir.resolve("m.parquet");
        for (CompressionCodecName codec : List.of(CompressionCodecName.UNCOMPRESSED, CompressionCodecName.ZSTD)) {
            for (boolean dictionary : List.of(true, false)) {
                writeGroups(file, "optional binary text (STRING);", codec, 1, dictionary, texts(30));
                seeds.add(Files.readAllBytes(file));
            }
        }
        writeGroups(file, "optional binary text (STRING);", CompressionCodecName.UNCOMPRESSED, 2, true, texts(30));
        seeds.add(Files.readAllBytes(file));
        seeds.add(small());
        int refused = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] seed = seeds.get(i % seeds.size());
            byte[] bytes = JsonLinesFileTest.mutated(seed, random);
            // Half of the time aim at the footer, and leave its length and magic.
            if (bytes.length == seed.length && i % 2 == 0) {
                System.arraycopy(seed, 0, bytes, 0, seed.length);
                int footer =
                        ByteBuffer.wrap(seed).order(ByteOrder.LITTLE_ENDIAN).getInt(seed.length - 8);
                for (int j = 0; j < 3; j++) {
                    bytes[seed.length - 9 - random.nextInt(footer)] = (byte) random.nextInt(256);
                }
            }
            Files.write(file, bytes);
            try {
                JsonLinesFileTest.rows(new ParquetFile(file));
            } catch (MalformedDataException e) {
                assertThat(e).hasMessageContaining("m.parquet");
                refused++;
            }
        }
        assertThat(refused).isBetween(1000, 2950);
    }

    @Test
    void metadataIsBounded() {
        // A struct in a struct in a struct, a list of 2^60 elements, a list of a million empty structs and more.
        byte[] deep = new byte[1000];
        Arrays.fill(deep, (byte) 0x1C);
        byte[] long60 = {0x19, (byte) 0xFC, -1, -1, -1, -1, -1, -1, -1, -1, 0x0F};
        byte[] wide = new byte[3_000_000];
        ByteBuffer.wrap(wide).put(new byte[] {0x19, (byte) 0xFC, (byte) 0x80, (byte) 0x89, (byte) 0x7A});
        for (byte[] bytes : List.of(deep, long60, wide)) {
            assertThatThrownBy(() -> ThriftStruct.read(ByteBuffer.wrap(bytes), "footer"))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("footer");
        }
    }

    /** Writes one text column by parquet-floor. */
    static void write(Path file, List<String> texts) throws IOException {
        var schema = new MessageType(
                "corpus",
                Types.optional(PrimitiveTypeName.INT64).named("id"),
                Types.optional(PrimitiveTypeName.BINARY)
                        .as(LogicalTypeAnnotation.stringType())
                        .named("text"));
        Dehydrator<String> dehydrator = (text, writer) -> {
            writer.write("id", (long) text.length());
            writer.write("text", text);
        };
        Files.deleteIfExists(file);
        try (ParquetWriter<String> writer = ParquetWriter.writeFile(schema, file.toFile(), dehydrator)) {
            for (String text : texts) {
                writer.write(text);
            }
        }
    }

    /** Writes the last top-level string column in small pages and row groups. */
    private static void writeGroups(
            Path file, String columns, CompressionCodecName codec, int version, boolean dictionary, List<String> texts)
            throws IOException {
        MessageType schema = MessageTypeParser.parseMessageType("message m { " + columns + " }");
        String column = schema.getFields().getLast().getName();
        Files.deleteIfExists(file);
        var configuration = new PlainParquetConfiguration();
        // The shims of parquet-floor have no gzip and no LZ4; the latter is refused by its name alone.
        var own = codec == CompressionCodecName.GZIP || codec == CompressionCodecName.LZ4_RAW;
        var codecs = own ? new Gzip() : new CodecFactory(configuration, 2000);
        try (var writer = ExampleParquetWriter.builder(new LocalOutputFile(file))
                .withConf(configuration)
                .withCodecFactory(codecs)
                .withType(schema)
                .withCompressionCodec(codec)
                .withWriterVersion(
                        version == 1
                                ? ParquetProperties.WriterVersion.PARQUET_1_0
                                : ParquetProperties.WriterVersion.PARQUET_2_0)
                .withDictionaryEncoding(dictionary)
                .withPageSize(2000)
                .withDictionaryPageSize(1 << 22)
                .withRowGroupSize(60_000L)
                .build()) {
            var groups = new SimpleGroupFactory(schema);
            for (String text : texts) {
                Group group = groups.newGroup();
                if (text != null) {
                    group.append(column, text);
                }
                writer.write(group);
            }
        }
    }

    private byte[] small() throws IOException {
        Path file = dir.resolve("small.parquet");
        write(file, texts(10));
        return Files.readAllBytes(file);
    }

    private static List<String> texts(int count) {
        var random = new Random(count);
        var texts = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            texts.add(i + " " + RowsTest.text(random, i % 50 == 0 ? 9000 : 60));
        }
        return texts;
    }

    private static List<String> rows(List<String> texts) {
        return texts.stream().flatMap(text -> Rows.of(text).stream()).toList();
    }

    /** Packs pages by the Java library's gzip. */
    private static final class Gzip implements CompressionCodecFactory {
        @Override
        public BytesInputCompressor getCompressor(CompressionCodecName codec) {
            return new BytesInputCompressor() {
                @Override
                public BytesInput compress(BytesInput bytes) throws IOException {
                    var packed = new ByteArrayOutputStream();
                    try (var out = new GZIPOutputStream(packed)) {
                        bytes.writeAllTo(out);
                    }
                    return BytesInput.from(packed.toByteArray());
                }

                @Override
                public CompressionCodecName getCodecName() {
                    return codec;
                }

                @Override
                public void release() {}
            };
        }

        @Override
        public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
            throw new UnsupportedOperationException("the test only writes");
        }

        @Override
        public void release() {}
    }
}
