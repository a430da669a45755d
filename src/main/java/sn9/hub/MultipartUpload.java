package sn9.hub;

import java.util.List;

/**
 * Where the parts of a large file go. The addresses are signed: whoever has them may write.
 *
 * @param endpoint the Hub that gave them
 * @param content the whole file
 * @param bytes its size
 * @param chunkBytes size of every part but the last
 * @param completion where the list of stored parts goes in the end
 * @param parts addresses, in order
 */
record MultipartUpload(
        String endpoint, ContentId content, long bytes, long chunkBytes, String completion, List<String> parts) {
    /** Whether another upload is of the same file in the same parts. */
    boolean matches(MultipartUpload other) {
        return endpoint.equals(other.endpoint)
                && content.equals(other.content)
                && bytes == other.bytes
                && chunkBytes == other.chunkBytes
                && parts.size() == other.parts.size();
    }

    @Override
    public String toString() {
        return content + " in " + parts.size() + " parts";
    }
}
