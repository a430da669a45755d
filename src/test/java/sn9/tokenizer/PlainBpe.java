package sn9.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** GPT-2's tokenizer in its plainest, quadratic form: split by the published pattern, then merge the lowest rank. */
final class PlainBpe {
    private static final Pattern SPLIT = Pattern.compile(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS);
    private static final String END = "<|endoftext|>";
    private static final Map<String, Integer> RANKS = ranks();

    private PlainBpe() {}

    static int[] encode(String text) {
        var tokens = new ArrayList<Integer>();
        String[] parts = text.split(Pattern.quote(END), -1);
        for (int i = 0; i < parts.length; i++) {
            if (i > 0) {
                tokens.add(50256);
            }
            Matcher pieces = SPLIT.matcher(parts[i]);
            while (pieces.find()) {
                merge(pieces.group(), tokens);
            }
        }
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    private static void merge(String piece, List<Integer> tokens) {
        var parts = new ArrayList<String>();
        for (char b : latin(piece.getBytes(StandardCharsets.UTF_8)).toCharArray()) {
            parts.add(String.valueOf(b));
        }
        while (true) {
            int best = -1;
            int bestRank = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = RANKS.getOrDefault(parts.get(i) + parts.get(i + 1), Integer.MAX_VALUE);
                if (rank < bestRank) {
                    best = i;
                    bestRank = rank;
                }
            }
            if (best < 0) {
                break;
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
        parts.forEach(part -> tokens.add(RANKS.get(part)));
    }

    /** Bytes as a string of the same length. */
    private static String latin(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static Map<String, Integer> ranks() {
        var ranks = new HashMap<String, Integer>();
        try (InputStream in = PlainBpe.class.getResourceAsStream("/com/knuddels/jtokkit/r50k_base.tiktoken")) {
            for (String line : latin(in.readAllBytes()).split("\n")) {
                String[] fields = line.strip().split(" ");
                ranks.put(latin(Base64.getDecoder().decode(fields[0])), Integer.valueOf(fields[1]));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return ranks;
    }
}
