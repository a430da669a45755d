package sn9.benchmark;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import sn9.data.LocalCorpus;
import sn9.data.PageSource.Split;
import sn9.tokenizer.Gpt2Tokenizer;

/**
 * One page of real text, 100 rows of up to 3,000 bytes, by our tokenizer and by jtokkit's. Needs a corpus:
 * {@code scripts/fetch-corpus.sh}, or another by {@code -p corpus=FOLDER}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class TokenizerBenchmark {
    @Param("corpus")
    private String corpus;

    private final Gpt2Tokenizer own = new Gpt2Tokenizer();
    private final Encoding peer = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
    private List<String> rows;

    /** Reads the page and holds both tokenizers' answers against each other. */
    @Setup
    public void read() throws IOException {
        try (var source = LocalCorpus.open(Path.of(corpus), 0)) {
            rows = source.page(source.draw(Split.TRAIN, 1, new SplittableRandom(0))[0])
                    .texts();
        }
        for (String row : rows) {
            if (!Arrays.equals(own.encode(row), peer.encodeOrdinary(row).toArray())) {
                throw new IllegalStateException("the tokenizers differ on: " + row);
            }
        }
    }

    /** Ours. */
    @Benchmark
    public int own() {
        return rows.stream().mapToInt(row -> own.encode(row).length).sum();
    }

    /** The library's. */
    @Benchmark
    public int jtokkit() {
        return rows.stream().mapToInt(row -> peer.encodeOrdinary(row).size()).sum();
    }
}
