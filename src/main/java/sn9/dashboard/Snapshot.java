package sn9.dashboard;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * The page at a moment. It needs no other file, no network and no script; its content security policy forbids all three.
 *
 * @param made when
 * @param runs miners' runs, in the order to show them
 * @param leaderboard what a validator found, if one is shown
 * @param chain what the chain holds, if it is shown
 * @param sample text that a model has written, if there is any
 */
public record Snapshot(
        Instant made,
        List<TrainingRun> runs,
        Optional<Leaderboard> leaderboard,
        Optional<ChainView> chain,
        Optional<String> sample) {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm 'UTC'", Locale.ROOT).withZone(ZoneOffset.UTC);

    /** A cell of more characters gets a column wide enough to be read on a phone. */
    private static final int MANY_WORDS = 24;

    /** The page as one HTML document. */
    public String html() {
        var page = new Html();
        page.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                + "<meta name=\"color-scheme\" content=\"light dark\">\n"
                + "<title>sn9</title>\n<style>\n" + StyleSheet.CSS + "</style>\n</head>\n<body>\n<main>\n");
        page.markup("<header><h1>sn9</h1>").element("p", headline()).markup("</header>\n");
        runs(page);
        leaderboard.ifPresent(board -> leaderboard(page, board));
        leaderboard.filter(board -> !board.refused().isEmpty()).ifPresent(board -> refused(page, board));
        chain.ifPresent(view -> chain(page, view));
        sample.ifPresent(text -> sample(page, text));
        page.element(
                "footer",
                "Made " + TIME.format(made) + " by sn9 dashboard --snapshot. Losses are in nats per token;"
                        + " lower is better.");
        return page.markup("</main>\n</body>\n</html>\n").toString();
    }

    private String headline() {
        var parts = new ArrayList<String>();
        chain.ifPresent(view -> parts.add("Subnet " + view.netuid() + " at block " + group(view.block())));
        leaderboard.ifPresent(board -> {
            parts.add(count(board.rows().size(), "model") + " ranked");
            parts.add(board.refused().size() + " refused");
        });
        if (!runs.isEmpty()) {
            parts.add(count(runs.size(), "training run"));
        }
        return parts.isEmpty() ? "Nothing to show yet" : String.join(" · ", parts);
    }

    private void runs(Html page) {
        if (runs.isEmpty()) {
            return;
        }
        page.markup("<section>").element("h2", "Training");
        page.markup("<div class=\"charts\">\n");
        chart(page, new LineChart("held", "Loss on held-out text", true, series(TrainingRun::heldOut)));
        chart(page, new LineChart("train", "Loss on training text", false, series(TrainingRun::training)));
        page.markup("</div>\n");
        page.element("p class=\"note\"", "Losses of the table are those on held-out text, which no run trains on.");
        table(page, "Run|#Steps|#First loss|#Best loss|#At step");
        for (var run : runs) {
            row(
                    page,
                    run.name() + (run.unreadable() > 0 ? " (" + run.unreadable() + " lines unreadable)" : ""),
                    group(run.steps()),
                    run.heldOut().isEmpty()
                            ? "–"
                            : LineChart.loss(run.heldOut().getFirst().loss()),
                    run.best().map(p -> LineChart.loss(p.loss())).orElse("–"),
                    run.best().map(p -> group(p.step())).orElse("–"));
        }
        endTable(page);
        page.markup("<details>").element("summary", "All held-out measurements");
        table(page, "Run|#Step|#Loss");
        for (var run : runs) {
            for (var point : LineChart.thin(run.heldOut())) {
                row(page, run.name(), group(point.step()), LineChart.loss(point.loss()));
            }
        }
        endTable(page);
        page.markup("</details></section>\n");
    }

    private List<LineChart.Series> series(Function<TrainingRun, List<Point>> points) {
        var series = new ArrayList<LineChart.Series>();
        for (int i = 0; i < runs.size(); i++) {
            series.add(new LineChart.Series(runs.get(i).name(), i, points.apply(runs.get(i))));
        }
        return series;
    }

    private static void chart(Html page, LineChart chart) {
        page.markup("<figure>")
                .element("figcaption", chart.title())
                .markup(chart.svg())
                .markup("</figure>\n");
    }

    private void leaderboard(Html page, Leaderboard board) {
        page.markup("<section>").element("h2", "Leaderboard");
        if (board.rows().isEmpty()) {
            page.element("p class=\"none\"", "No model has been evaluated yet.").markup("</section>\n");
            return;
        }
        page.element(
                "p class=\"note\"",
                "Validator's step " + group(board.step()) + " at block " + group(board.block()) + ", "
                        + count(board.batches(), "batch", "batches")
                        + " per model. A batch counts as a win against each model that has the higher loss there, once the"
                        + " earlier commitment's loss is discounted.");
        table(page, "#Uid|Model|#Loss|#Weight||#Win rate|#Wins|#Committed");
        for (var row : board.rows()) {
            row(
                    page,
                    row.uid(),
                    new Model(row.commitment(), row.hotkey()),
                    LineChart.loss(row.loss()),
                    share(row.weight()),
                    new Bar(row.weight()),
                    share(row.winRate()),
                    group(row.wins()),
                    group(row.block()));
        }
        endTable(page);
        page.markup("</section>\n");
    }

    private void refused(Html page, Leaderboard board) {
        page.markup("<section>").element("h2", "Refused models");
        table(page, "#Uid|Model|Reason");
        for (var refused : board.refused()) {
            row(
                    page,
                    chain.flatMap(view -> view.find(refused.hotkey()))
                            .map(neuron -> (Object) neuron.uid())
                            .orElse("–"),
                    new Model(refused.commitment(), refused.hotkey()),
                    refused.reason());
        }
        endTable(page);
        page.markup("</section>\n");
    }

    private static void chain(Html page, ChainView view) {
        page.markup("<section>").element("h2", "On the chain");
        page.element(
                "p class=\"note\"",
                view.weights().isEmpty()
                        ? "No validator has set weights yet."
                        : "Weights are what validators have set, the largest of each being 65,535; incentive is what the"
                                + " latest epoch made of them.");
        table(page, "#Uid|Hotkey|#Weight (u16)|#Incentive||#Stake (TAO)");
        for (var neuron : view.neurons()) {
            row(
                    page,
                    neuron.uid(),
                    new Code(neuron.hotkey()),
                    group(view.weight(neuron.uid())),
                    share(neuron.incentive()),
                    new Bar(neuron.incentive()),
                    String.format(Locale.ROOT, "%,.0f", neuron.stake()));
        }
        endTable(page);
        page.markup("</section>\n");
    }

    private static void sample(Html page, String text) {
        page.markup("<section>").element("h2", "Text from a model");
        page.element("pre", text.strip()).markup("</section>\n");
    }

    /** A committed string as its repository, with the hotkey below. */
    private record Model(String commitment, String hotkey) {}

    /** Text in a fixed pitch that may break anywhere. */
    private record Code(String text) {}

    /** A share from 0 to 1 as a bar; the number stands beside it, so it says nothing to a screen reader. */
    private record Bar(double share) {}

    /** A heading is {@code #} for a column of numbers, then its text. */
    private static void table(Html page, String headings) {
        page.markup("<div class=\"scroll\"><table><thead><tr>");
        for (String heading : headings.split("\\|", -1)) {
            boolean number = heading.startsWith("#");
            page.element(
                    heading.isEmpty() ? "td" : number ? "th scope=\"col\" class=\"n\"" : "th scope=\"col\"",
                    number ? heading.substring(1) : heading);
        }
        page.markup("</tr></thead><tbody>\n");
    }

    private static void row(Html page, Object... cells) {
        page.markup("<tr>");
        for (Object cell : cells) {
            switch (cell) {
                case Bar bar ->
                    page.markup("<td class=\"bar\"><svg viewBox=\"0 0 100 10\" width=\"100\" height=\"10\""
                            + " aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"10\" rx=\"2\"/>"
                            + "<rect class=\"fill\" width=\""
                            + String.format(Locale.ROOT, "%.1f", 100 * Math.clamp(bar.share, 0, 1))
                            + "\" height=\"10\" rx=\"2\"/></svg></td>");
                case Code code ->
                    page.markup("<td>")
                            .element("span class=\"code\"", code.text)
                            .markup("</td>");
                case Model model ->
                    page.markup("<td>")
                            .element("span class=\"model\"", Leaderboard.repository(model.commitment))
                            .element("span class=\"code\"", model.hotkey)
                            .markup("</td>");
                default -> {
                    String text = String.valueOf(cell);
                    boolean number = text.matches("[–\\d][\\d,.]*%?");
                    boolean words = text.length() > MANY_WORDS;
                    page.element(number ? "td class=\"n\"" : words ? "td class=\"words\"" : "td", text);
                }
            }
        }
        page.markup("</tr>\n");
    }

    private static void endTable(Html page) {
        page.markup("</tbody></table></div>\n");
    }

    private static String share(double share) {
        return String.format(Locale.ROOT, "%.2f%%", 100 * share);
    }

    private static String group(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    private static String count(long number, String one) {
        return count(number, one, one + "s");
    }

    private static String count(long number, String one, String many) {
        return group(number) + " " + (number == 1 ? one : many);
    }
}
