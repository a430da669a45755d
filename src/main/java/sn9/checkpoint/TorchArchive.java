package sn9.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.MalformedDataException;

/**
 * The entries of the zip file that {@code torch.save} writes (spec/hub.md 7; the format is PKWARE's APPNOTE 6.3). Narrower
 * than zip: entries are stored, never deflated, so there is nothing to inflate; they lie in one folder, do not overlap and
 * end where the directory begins; the directory and its end are the last bytes. The sums of entries are not computed.
 */
final class TorchArchive {
    private static final int LOCAL = 0x04034b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int END = 0x06054b50;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int END_64 = 0x06064b50;

    private static final int LOCAL_BYTES = 30;
    private static final int CENTRAL_BYTES = 46;
    private static final int END_BYTES = 22;
    private static final int LOCATOR_64_BYTES = 20;
    private static final int END_64_BYTES = 56;

    private static final int EXTRA_64 = 1;
    private static final int SENTINEL_16 = 0xFFFF;
    private static final long SENTINEL_32 = 0xFFFF_FFFFL;

    private static final int MAX_ENTRIES = 100_000;
    private static final int MAX_NAME_BYTES = 512;

    /** Bytes 2 to 9 of what torch.save wrote before version 1.6: a LONG1 of ten bytes, 0x1950a86a20f9469cfc6c. */
    private static final long LEGACY_MAGIC = 0x20f9469c_fc6c0a8aL;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String source;
    private final MemorySegment file;

    /** The directory: where it begins, where it ends, how many entries it has. */
    private record Directory(long begin, long end, long entries) {}

    /** One entry of the directory: its bytes, header included, are {@code [begin, end)} of the file. */
    private record Entry(String name, long begin, long data, long end) {}

    private TorchArchive(String source, MemorySegment file) {
        this.source = source;
        this.file = file;
    }

    /**
     * The entries by their names below the one folder, as slices of the file, in the directory's order.
     *
     * @throws MalformedDataException when the bytes are anything but such an archive
     */
    static Map<String, MemorySegment> entries(String source, MemorySegment file) throws MalformedDataException {
        return new TorchArchive(source, file).entries();
    }

    private Map<String, MemorySegment> entries() throws MalformedDataException {
        Directory directory = directory();
        var entries = new ArrayList<Entry>();
        long at = directory.begin;
        for (long i = 0; i < directory.entries; i++) {
            at = readEntry(at, directory, entries);
        }
        if (at != directory.end) {
            throw fault(at, "expected the end of the directory, found " + (directory.end - at) + " more bytes");
        }
        checkDisjoint(entries);
        String folder = folder(entries);
        var byName = new LinkedHashMap<String, MemorySegment>();
        for (Entry entry : entries) {
            String name = entry.name.substring(folder.length());
            if (byName.put(name, file.asSlice(entry.data, entry.end - entry.data)) != null) {
                throw fault(entry.begin, "entry " + StrictJson.shown(entry.name) + " is there twice");
            }
        }
        return Collections.unmodifiableMap(byName);
    }

    private Directory directory() throws MalformedDataException {
        long end = file.byteSize() - END_BYTES;
        if (file.byteSize() >= Long.BYTES + 2 && file.get(LONG, 2) == LEGACY_MAGIC) {
            throw fault(0, "a file of torch.save before version 1.6; load it there and save it again");
        }
        if (end < 0 || file.get(INT, end) != END || number16(end + 20) != 0) {
            throw fault(
                    Math.max(end, 0),
                    "expected a zip file of torch.save that ends with its directory, found no such end; is it cut?");
        }
        long entries = number16(end + 10);
        long size = number32(end + 12);
        long begin = number32(end + 16);
        long directoryEnd = end;
        long locator = end - LOCATOR_64_BYTES;
        if (locator >= 0 && file.get(INT, locator) == LOCATOR_64) {
            directoryEnd = file.get(LONG, locator + 8);
            if (directoryEnd != locator - END_64_BYTES || directoryEnd < 0 || file.get(INT, directoryEnd) != END_64) {
                throw fault(locator, "expected the 64-bit end of the directory right before its locator");
            }
            entries = file.get(LONG, directoryEnd + 32);
            size = file.get(LONG, directoryEnd + 40);
            begin = file.get(LONG, directoryEnd + 48);
        }
        if (begin < 0 || size < 0 || begin > directoryEnd || size != directoryEnd - begin) {
            throw fault(
                    end,
                    "its directory is said to be at " + begin + " + " + size + ", expected to end at " + directoryEnd);
        }
        if (entries < 1 || entries > Math.min(MAX_ENTRIES, size / CENTRAL_BYTES)) {
            throw fault(
                    end,
                    "a directory of " + size + " bytes cannot have " + entries + " entries, expected 1 to "
                            + MAX_ENTRIES);
        }
        return new Directory(begin, directoryEnd, entries);
    }

    /** Reads the directory's entry at a place, and returns the place behind it. */
    private long readEntry(long at, Directory directory, List<Entry> entries) throws MalformedDataException {
        if (directory.end - at < CENTRAL_BYTES || file.get(INT, at) != CENTRAL) {
            throw fault(at, "expected an entry of the directory");
        }
        int nameBytes = number16(at + 28);
        int extraBytes = number16(at + 30);
        long next = at + CENTRAL_BYTES + nameBytes + extraBytes + number16(at + 32);
        if (next > directory.end) {
            throw fault(at, "an entry of the directory goes beyond its end");
        }
        String name = name(at + CENTRAL_BYTES, nameBytes);
        long[] packedSizeOffset = {number32(at + 20), number32(at + 24), number32(at + 42)};
        readExtra(at + CENTRAL_BYTES + nameBytes, extraBytes, packedSizeOffset);
        int flags = number16(at + 8);
        int method = number16(at + 10);
        if ((flags & 1) != 0 || method != 0 || packedSizeOffset[0] != packedSizeOffset[1]) {
            throw fault(
                    at,
                    "refused entry " + StrictJson.shown(name) + ": packed by method " + method
                            + ((flags & 1) != 0 ? " and encrypted" : "") + " from " + packedSizeOffset[1] + " to "
                            + packedSizeOffset[0] + " bytes; torch.save stores entries as they are");
        }
        entries.add(entry(name, packedSizeOffset[2], packedSizeOffset[1], directory.begin));
        return next;
    }

    /** Fields too large for 32 bits stand in an extra field, in this order: size, packed size, offset. */
    private void readExtra(long at, int length, long[] packedSizeOffset) throws MalformedDataException {
        long end = at + length;
        while (end - at >= 4) {
            int kind = number16(at);
            long fieldEnd = at + 4 + number16(at + 2);
            if (fieldEnd > end) {
                throw fault(at, "an extra field goes beyond its entry");
            }
            long field = at + 4;
            for (int i : kind == EXTRA_64 ? new int[] {1, 0, 2} : new int[0]) {
                if (packedSizeOffset[i] == SENTINEL_32) {
                    if (fieldEnd - field < Long.BYTES) {
                        throw fault(at, "an extra field of 64-bit sizes is too short");
                    }
                    packedSizeOffset[i] = file.get(LONG, field);
                    field += Long.BYTES;
                }
            }
            at = fieldEnd;
        }
    }

    private Entry entry(String name, long begin, long size, long limit) throws MalformedDataException {
        if (begin < 0 || begin > limit - LOCAL_BYTES || file.get(INT, begin) != LOCAL) {
            throw fault(-1, "entry " + StrictJson.shown(name) + " should begin at " + begin + ", where none does");
        }
        int nameBytes = number16(begin + 26);
        long data = begin + LOCAL_BYTES + nameBytes + number16(begin + 28);
        if (size < 0 || data > limit || size > limit - data) {
            throw fault(
                    begin,
                    "entry " + StrictJson.shown(name) + " of " + size + " bytes does not end before the directory at "
                            + limit);
        }
        if (!name(begin + LOCAL_BYTES, nameBytes).equals(name) || number16(begin + 8) != 0) {
            throw fault(begin, "entry " + StrictJson.shown(name) + " has another name or method before its bytes");
        }
        return new Entry(name, begin, data, data + size);
    }

    private String name(long at, int length) throws MalformedDataException {
        if (length < 1 || length > MAX_NAME_BYTES) {
            throw fault(at, "an entry's name has " + length + " bytes, expected 1 to " + MAX_NAME_BYTES);
        }
        var bytes = new byte[length];
        MemorySegment.copy(file, ValueLayout.JAVA_BYTE, at, bytes, 0, length);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void checkDisjoint(List<Entry> entries) throws MalformedDataException {
        var byPlace =
                entries.stream().sorted(Comparator.comparingLong(Entry::begin)).toList();
        for (int i = 1; i < byPlace.size(); i++) {
            if (byPlace.get(i).begin < byPlace.get(i - 1).end) {
                throw fault(
                        byPlace.get(i).begin,
                        "entries " + StrictJson.shown(byPlace.get(i - 1).name) + " and "
                                + StrictJson.shown(byPlace.get(i).name) + " overlap");
            }
        }
    }

    /** The one folder that all entries lie in, its slash included. */
    private String folder(List<Entry> entries) throws MalformedDataException {
        String first = entries.getFirst().name;
        String folder = first.substring(0, first.indexOf('/') + 1);
        for (Entry entry : entries) {
            boolean plain = !entry.name.contains("\\") && !entry.name.contains("//");
            for (String step : entry.name.split("/", -1)) {
                plain &= !step.isEmpty() && !step.equals(".") && !step.equals("..");
            }
            if (folder.isEmpty() || !plain || !entry.name.startsWith(folder)) {
                throw fault(
                        entry.begin,
                        "entry " + StrictJson.shown(entry.name) + " is no file in the one folder "
                                + StrictJson.shown(folder));
            }
        }
        return folder;
    }

    private int number16(long at) {
        return file.get(SHORT, at) & SENTINEL_16;
    }

    private long number32(long at) {
        return file.get(INT, at) & SENTINEL_32;
    }

    private MalformedDataException fault(long at, String reason) {
        return new MalformedDataException(source, at, reason);
    }
}
