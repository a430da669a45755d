package sn9.cli;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import sn9.data.Packer;
import sn9.data.Page;
import sn9.tokenizer.Gpt2Tokenizer;

/**
 * How much text some pages hold.
 *
 * @param rows their rows
 * @param bytes of UTF-8
 * @param tokens as they are packed: rows cut at the network's length, each with its end
 */
record PageMeasure(long rows, long bytes, long tokens) {
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();

    /** Of nothing. */
    static final PageMeasure NONE = new PageMeasure(0, 0, 0);

    /** Of one page. */
    static PageMeasure of(Page page) {
        long bytes = 0;
        long tokens = 0;
        for (String text : page.texts()) {
            bytes += text.getBytes(StandardCharsets.UTF_8).length;
            tokens += TOKENIZER.encode(text, Packer.MAX_DOCUMENT_TOKENS).length + 1;
        }
        return new PageMeasure(page.texts().size(), bytes, tokens);
    }

    /** Of both. */
    PageMeasure plus(PageMeasure other) {
        return new PageMeasure(rows + other.rows, bytes + other.bytes, tokens + other.tokens);
    }

    /** For programs. */
    Map<String, Object> json() {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("rows", rows);
        answer.put("bytes", bytes);
        answer.put("tokens", tokens);
        return answer;
    }
}
