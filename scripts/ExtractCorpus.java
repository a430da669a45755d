import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Takes the plain text out of unpacked Debian packages for fetch-corpus.sh: {@code java ExtractCorpus.java sword|austen
 * PACKAGE_DIR OUT_DIR}. Writes one document a file, paragraphs apart by a blank line.
 */
public final class ExtractCorpus {
    /** Documents shorter than this are title pages and empty books. */
    private static final int MIN_CHARACTERS = 400;

    private final Path out;
    private final Set<String> seen = new HashSet<>();
    private int written;

    private ExtractCorpus(Path out) {
        this.out = out;
    }

    /** See the class. */
    public static void main(String[] args) throws IOException, DataFormatException {
        if (args.length != 3) {
            System.err.println("usage: java ExtractCorpus.java sword|austen PACKAGE_DIR OUT_DIR");
            System.exit(2);
        }
        var extract = new ExtractCorpus(Path.of(args[2]));
        switch (args[0]) {
            case "sword" -> extract.sword(Path.of(args[1]));
            case "austen" -> extract.austen(Path.of(args[1]));
            default -> throw new IllegalArgumentException("expected sword or austen, found " + args[0]);
        }
    }

    /**
     * A SWORD module: beside each index of blocks (u32 offset, packed size, size, little endian) lie the zlib blocks
     * themselves. A block is a book or a chapter in OSIS markup.
     */
    private void sword(Path folder) throws IOException, DataFormatException {
        // The Old Testament comes first in a module, and last in the alphabet.
        for (Path index : find(folder, ".*/ot\\.[bc]zs", ".*/nt\\.[bc]zs")) {
            String name = index.toString();
            byte[] data = Files.readAllBytes(Path.of(name.substring(0, name.length() - 1) + "z"));
            ByteBuffer blocks = ByteBuffer.wrap(Files.readAllBytes(index)).order(ByteOrder.LITTLE_ENDIAN);
            while (blocks.remaining() >= 12) {
                int offset = blocks.getInt();
                int packed = blocks.getInt();
                byte[] block = new byte[blocks.getInt()];
                inflate(data, offset, packed, block);
                write(paragraphs(new String(block, StandardCharsets.UTF_8)));
            }
        }
    }

    private static List<String> paragraphs(String osis) {
        // A note stands for the blank between two words.
        String text = osis.replaceAll("<note\\b[^<]*+(?:<(?!/note>)[^<]*+)*+</note>(?=<w |\\p{L})", " ")
                .replaceAll("<note\\b[^<]*+(?:<(?!/note>)[^<]*+)*+</note>", "")
                .replaceAll("</?(div|title|lg|l|p|chapter|list|item|lb|milestone)\\b[^>]*>", "\n")
                .replaceAll("<[^>]*>", "")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&apos;", "'")
                .replace("&amp;", "&")
                .replaceAll("[\\x00-\\x09\\x0b-\\x20\\xa0]+", " ");
        return text.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    }

    /**
     * R's lazy-load database: chunks of u32 length (big endian) and zlib data, each a serialised vector of the lines of
     * one novel; a string is the flags of a CHARSXP, its length and its bytes.
     */
    private void austen(Path folder) throws IOException, DataFormatException {
        byte[] data = Files.readAllBytes(find(folder, ".*/data/Rdata\\.rdb").getFirst());
        int offset = 0;
        while (offset < data.length) {
            byte[] novel = new byte[ByteBuffer.wrap(data, offset, 4).getInt()];
            offset += 4 + inflate(data, offset + 4, data.length - offset - 4, novel);
            writeChapters(lines(ByteBuffer.wrap(novel)));
        }
    }

    private static List<String> lines(ByteBuffer novel) {
        var lines = new ArrayList<String>();
        while (novel.remaining() >= 8) {
            int flags = novel.getInt(novel.position());
            int length = novel.getInt(novel.position() + 4);
            boolean string = (flags & 0xFF) == 9 && flags >>> 20 == 0 && length >= 0 && length <= novel.remaining() - 8;
            if (string) {
                byte[] bytes = new byte[length];
                novel.position(novel.position() + 8).get(bytes);
                lines.add(new String(bytes, StandardCharsets.UTF_8).strip());
            } else {
                novel.position(novel.position() + 1);
            }
        }
        return lines;
    }

    private void writeChapters(List<String> lines) throws IOException {
        var chapter = new ArrayList<String>();
        var paragraph = new StringBuilder();
        for (String line : lines) {
            boolean heading = line.matches("(?i)chapter [0-9ivxlc]+\\.?");
            if (!line.isEmpty() && !heading) {
                paragraph.append(paragraph.isEmpty() ? "" : " ").append(line);
                continue;
            }
            if (!paragraph.isEmpty()) {
                chapter.add(paragraph.toString());
                paragraph.setLength(0);
            }
            if (heading) {
                write(chapter);
                chapter.clear();
            }
        }
        chapter.add(paragraph.toString());
        write(chapter);
    }

    /** Writes a document without the paragraphs that were there before. */
    private void write(List<String> paragraphs) throws IOException {
        var text = new StringBuilder();
        for (String paragraph : paragraphs) {
            // Short lines, such as headings, may well come again.
            if (paragraph.length() < 80 || seen.add(paragraph)) {
                text.append(paragraph).append("\n\n");
            }
        }
        if (text.length() >= MIN_CHARACTERS) {
            text.setLength(text.length() - 1);
            Files.writeString(out.resolve("%04d.txt".formatted(++written)), text);
        }
    }

    /** Fills {@code to} and returns how many packed bytes that took. */
    private static int inflate(byte[] data, int offset, int length, byte[] to) throws DataFormatException {
        try (var inflater = new Inflater()) {
            inflater.setInput(data, offset, length);
            int filled = 0;
            while (filled < to.length && !inflater.finished()) {
                int count = inflater.inflate(to, filled, to.length - filled);
                if (count == 0 && inflater.needsInput()) {
                    break;
                }
                filled += count;
            }
            if (filled < to.length) {
                throw new DataFormatException("expected " + to.length + " bytes, found " + filled);
            }
            inflater.inflate(new byte[1]); // reads the checksum at the end
            return (int) inflater.getBytesRead();
        }
    }

    private static List<Path> find(Path folder, String... patterns) throws IOException {
        var found = new ArrayList<Path>();
        for (String pattern : patterns) {
            try (Stream<Path> walk = Files.walk(folder)) {
                walk.filter(path -> path.toString().matches(pattern)).forEach(found::add);
            }
        }
        if (found.isEmpty()) {
            throw new IOException("no file like " + String.join(" or ", patterns) + " in " + folder);
        }
        return found;
    }
}
