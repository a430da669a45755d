package sn9.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.xml.parsers.DocumentBuilderFactory;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

class SnapshotTest {
    private static final String HOSTILE = "</td><script>alert('x')</script>\" onload=\"y\u202e\u0000";

    @Test
    void thePageIsOneDocumentWithoutScriptsOrAddresses() throws Exception {
        String html = page(HOSTILE).html();
        assertThat(html)
                .doesNotContain("<script")
                .doesNotContain("href")
                .doesNotContain("src=")
                .doesNotContain("url(")
                .doesNotContain("http://")
                .doesNotContain("https://")
                .contains("default-src 'none'")
                .contains("prefers-color-scheme: dark");
        parse(html);
    }

    /** Each foreign text arrives as text and as nothing else, whatever stands in it. */
    @Property(tries = 300, seed = "9")
    void foreignTextIsNeverMarkup(@ForAll("texts") String text) throws Exception {
        var document = parse(page(text).html());
        assertThat(count(document, "table")).isEqualTo(5);
        assertThat(count(document, "script")).isZero();
        var samples = document.getElementsByTagName("pre");
        assertThat(samples.getLength()).isEqualTo(1);
        assertThat(samples.item(0).getTextContent()).isEqualTo(visible(text.strip()));
        var runs =
                document.getElementsByTagName("tbody").item(0).getFirstChild().getNextSibling();
        assertThat(runs.getFirstChild().getTextContent()).isEqualTo(visible(text));
    }

    /** Texts rich in what could end an element, an attribute or an entity, or turn a line around. */
    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.strings()
                .withChars("<>&;\"'/=!-]s \n\t\u0000\u001b\u202e\ud800\udc00\ufffe")
                .ofMaxLength(40);
    }

    @Test
    void controlAndDirectionCharactersAreShownAsReplaced() {
        assertThat(Html.escape("a\u0000b\u202ec\u200bd\u001b[2J\ud800\n"))
                .isEqualTo("a\ufffdb\ufffdc\ufffdd\ufffd[2J\ufffd\n");
    }

    @Test
    void aPageWithNothingSaysSo() throws Exception {
        var empty = new Snapshot(Instant.EPOCH, List.of(), Optional.empty(), Optional.empty(), Optional.empty());
        assertThat(empty.html()).contains("Nothing to show yet");
        var beforeTheFirstStep = new Snapshot(
                Instant.EPOCH,
                List.of(new TrainingRun("new", List.of(), List.of(), 0)),
                Optional.of(new Leaderboard(-1, 0, 0, List.of(), List.of())),
                Optional.of(new ChainView(9, 1, List.of(), List.of())),
                Optional.empty());
        assertThat(beforeTheFirstStep.html())
                .contains("No measurements yet", "No model has been evaluated yet", "No validator has set weights yet");
        parse(beforeTheFirstStep.html());
    }

    @Test
    void chartsNameTheirAxesAndDescribeThemselves() throws Exception {
        String html = page("small").html();
        assertThat(html)
                .contains("loss (nats per token)", "optimiser step")
                .contains("small: from 10.840 at step 0 to 7.857 at step 20");
        var document = parse(html);
        var charts = document.getElementsByTagName("svg");
        int described = 0;
        for (int i = 0; i < charts.getLength(); i++) {
            if (charts.item(i).getAttributes().getNamedItem("role") != null) {
                described++;
                assertThat(charts.item(i).getTextContent()).contains("Loss on");
            }
        }
        assertThat(described).isEqualTo(2);
    }

    @Test
    void longRunsAreDrawnAsMeansOfAllTheirPoints() {
        var points = new ArrayList<Point>();
        for (int step = 1; step <= 10_000; step++) {
            points.add(new Point(step, step % 2 == 0 ? 1 : 3));
        }
        var thin = LineChart.thin(points);
        assertThat(thin).hasSizeLessThanOrEqualTo(300);
        assertThat(thin.getLast().step()).isEqualTo(10_000);
        assertThat(thin).allSatisfy(point -> assertThat(point.loss()).isEqualTo(2));
    }

    @Test
    void axesAreRoundAndHoldTheirValues() {
        assertThat(Axis.of(0, 40, true).ticks()).containsExactly(0.0, 10.0, 20.0, 30.0, 40.0);
        assertThat(Axis.of(6.6, 10.86, false).ticks()).containsExactly(6.0, 7.0, 8.0, 9.0, 10.0, 11.0);
        assertThat(Axis.of(0, 1, true).ticks()).containsExactly(0.0, 1.0);
        var same = Axis.of(5, 5, false);
        assertThat(same.part(5)).isBetween(0.0, 1.0);
        assertThat(Axis.of(6.68, 6.71, false).label(6.69)).isEqualTo("6.69");
        assertThat(Axis.of(0, 2_000_000, true).label(1_000_000)).isEqualTo("1,000,000");
    }

    @Test
    void metricsAreReadPastADamagedLine(@TempDir Path dir) throws Exception {
        Path file = dir.resolve("metrics.jsonl");
        Files.write(file, """
                {"kind":"held_out","step":0,"loss":10.8,"tokens":100}
                {"kind":"step","step":1,"loss":10.7}
                {"kind":"step","step":2,"lo
                {"kind":"step","step":3,"loss":null,"loss_reason":"not a number"}
                {"kind":"epoch","step":3,"loss":9.0}
                [1]
                {"kind":"step","step":4,"loss":9.5}
                """.getBytes(StandardCharsets.UTF_8));
        var run = TrainingRun.read("r", file);
        assertThat(run.training()).containsExactly(new Point(1, 10.7), new Point(4, 9.5));
        assertThat(run.heldOut()).containsExactly(new Point(0, 10.8));
        assertThat(run.unreadable()).isEqualTo(2);
        assertThat(run.steps()).isEqualTo(4);
    }

    private static Snapshot page(String text) {
        var run = new TrainingRun(
                text,
                List.of(new Point(1, 10.8), new Point(20, 7.9)),
                List.of(new Point(0, 10.84), new Point(20, 7.857)),
                0);
        var board = new Leaderboard(
                3,
                120,
                65,
                List.of(new Leaderboard.Row(1, text, text, 17, 6.88, 130, 1, 0.875)),
                List.of(new Leaderboard.Refused(text, text, text)));
        var chain = new ChainView(
                9,
                130,
                List.of(new ChainView.Neuron(1, text, 1000, 1)),
                List.of(new ChainView.Weight(1, 1, 65_535, 125)));
        return new Snapshot(
                Instant.parse("2026-01-01T00:00:00Z"),
                List.of(run),
                Optional.of(board),
                Optional.of(chain),
                Optional.of(text));
    }

    /** What a reader of the page sees of a text; XML parsers turn line ends into one kind. */
    private static String visible(String text) {
        return Html.escape(text)
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
    }

    /** The body as XML: a stricter reader than any browser. */
    private static Document parse(String html) throws Exception {
        String body = html.substring(html.indexOf("<main>"), html.indexOf("</body>"));
        var bytes = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + body).getBytes(StandardCharsets.UTF_8);
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream(bytes));
    }

    private static int count(Document document, String tag) {
        NodeList found = document.getElementsByTagName(tag);
        return found.getLength();
    }
}
