package sn9.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import sn9.MalformedDataException;

/** Maps files of tensors. */
final class MappedFile {
    private MappedFile() {}

    /** Makes of a file's bytes what they stand for. */
    interface Reader<T> {
        /**
         * Reads what describes the tensors.
         *
         * @param source what to call the file in messages
         * @param arena unmaps the bytes when it is closed, which becomes the result's to do
         */
        T read(String source, Arena arena, MemorySegment bytes) throws MalformedDataException;
    }

    /**
     * Maps a file and reads it; it stays mapped only when that succeeds.
     *
     * @throws MalformedDataException when this is no regular file, or the reader's
     * @throws IOException when the file cannot be read
     */
    static <T> T open(Path file, Reader<T> reader) throws IOException {
        String source = file.toString();
        if (!Files.isRegularFile(file)) {
            throw new MalformedDataException(
                    source, -1, Files.exists(file) ? "expected a regular file" : "no such file");
        }
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return reader.read(source, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }
}
