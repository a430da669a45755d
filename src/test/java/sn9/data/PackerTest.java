package sn9.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import sn9.tokenizer.Gpt2Tokenizer;

class PackerTest {
    private static final int A = 257; // " a"
    private static final int EOS = Gpt2Tokenizer.EOS;
    private final Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();

    /** spec/subnet.md B.3, test vector. */
    @Test
    void packsAsTheNetworkDoes() {
        List<Page> pages = List.of(new Page(7, List.of(words(5), words(3))), new Page(9, List.of(words(9))));
        List<Batch> batches = new Packer(tokenizer, 2, 4).pack(pages);
        assertThat(batches).hasSize(2);
        assertThat(batches.get(0).tokens()).containsExactly(A, A, A, A, A, EOS, A, A);
        assertThat(batches.get(1).tokens()).containsExactly(A, EOS, A, A, A, A, A, A);
        assertThat(batches.get(0).targets()).containsExactly(A, A, A, -1, EOS, A, A, -1);
        assertThat(batches.get(0).predictions()).isEqualTo(6);
        assertThat(batches.get(0).B()).isEqualTo(2);
        assertThat(batches.get(0).T()).isEqualTo(4);
    }

    @Test
    void cutsDocumentsBeforeTheirEndOfText() {
        List<Page> pages = List.of(new Page(0, List.of(words(1024), words(1025), words(5000))));
        List<Batch> batches = new Packer(tokenizer, 1, 3 * 1025).pack(pages);
        assertThat(batches).hasSize(1);
        int[] tokens = batches.getFirst().tokens();
        assertThat(List.of(tokens[1023], tokens[1024], tokens[1025], tokens[2049], tokens[3074]))
                .containsExactly(A, EOS, A, EOS, EOS);
        assertThat(new Packer(tokenizer, 1, 3, 2).pack(pages)).hasSize(3);
    }

    @Test
    void anEmptyRowIsOneEndOfText() {
        List<Batch> batches = new Packer(tokenizer, 1, 2).pack(List.of(new Page(0, List.of("", ""))));
        assertThat(batches.getFirst().tokens()).containsExactly(EOS, EOS);
    }

    @Test
    void givesNothingForLessThanABatch() {
        assertThat(new Packer(tokenizer, 2, 4).pack(List.of(new Page(0, List.of(words(6))))))
                .isEmpty();
        assertThat(new Packer(tokenizer, 2, 4).pack(List.of())).isEmpty();
    }

    @Property(tries = 200, seed = "911")
    void slicesOneRunOfTokens(
            @ForAll @Size(max = 12) List<@IntRange(min = 0, max = 40) Integer> lengths,
            @ForAll @IntRange(min = 1, max = 4) int B,
            @ForAll @IntRange(min = 1, max = 9) int T,
            @ForAll @IntRange(min = 1, max = 30) int cut) {
        var pages = new ArrayList<Page>();
        var expected = new ArrayList<Integer>();
        for (int i = 0; i < lengths.size(); i++) {
            String text = ("!".repeat(i % 2) + words(lengths.get(i)));
            pages.add(new Page(i, List.of(text, "tail " + i)));
            for (String row : pages.get(i).texts()) {
                int[] ids = tokenizer.encode(row);
                for (int j = 0; j < Math.min(cut, ids.length); j++) {
                    expected.add(ids[j]);
                }
                expected.add(EOS);
            }
        }
        var packed = new ArrayList<Integer>();
        Packer packer = new Packer(tokenizer, B, T, cut);
        for (Batch batch : packer.pack(pages)) {
            for (int token : batch.tokens()) {
                packed.add(token);
            }
        }
        assertThat(packed).isEqualTo(expected.subList(0, expected.size() / (B * T) * (B * T)));

        Packer.Run run = packer.begin();
        int streamed = 0;
        for (Page page : pages) {
            streamed += run.add(page).size();
        }
        assertThat(streamed * B * T + run.pending()).isEqualTo(expected.size());
    }

    @Test
    void refusesImpossibleSizes() {
        assertThatThrownBy(() -> new Packer(tokenizer, 0, 4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Packer(tokenizer, 1 << 20, 1 << 20)).hasMessageContaining("1048576");
        assertThatThrownBy(() -> new Packer(tokenizer, 1, 4, 0)).hasMessageContaining("maxDocumentTokens");
    }

    private static String words(int count) {
        return " a".repeat(count);
    }
}
