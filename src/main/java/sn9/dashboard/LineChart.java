package sn9.dashboard;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Loss over optimiser steps as an SVG image of our own drawing: one line per series, axes with units, a legend, and a
 * title and description for those who do not see it.
 *
 * @param id unique in the page, letters only
 * @param title what it shows
 * @param marked whether each point gets a mark, for series with few
 * @param series the lines; those without points are left out
 */
record LineChart(String id, String title, boolean marked, List<Series> series) {
    private static final int WIDTH = 460;
    private static final int HEIGHT = 290;
    private static final int LEFT = 48;
    private static final int RIGHT = 14;
    private static final int TOP = 30;
    private static final int BOTTOM = 44;

    /** More points than this are drawn as means of as many neighbours as it takes. */
    private static final int MAX_POINTS = 300;

    /** Colours of the style sheet, {@code .s0} to {@code .s7}; more series start again with dashes. */
    private static final int COLOURS = 8;

    /**
     * A line.
     *
     * @param name of the run
     * @param colour place of the run in the page, so that it has the same colour in all charts
     * @param points in order of step
     */
    record Series(String name, int colour, List<Point> points) {
        /** The classes of the line's colour and dashes. */
        String style() {
            return "s" + colour % COLOURS + (colour >= COLOURS ? " dashed" : "");
        }
    }

    /** Points few enough to draw. */
    static List<Point> thin(List<Point> points) {
        int stride = (points.size() + MAX_POINTS - 1) / MAX_POINTS;
        if (stride <= 1) {
            return points;
        }
        var means = new ArrayList<Point>();
        for (int from = 0; from < points.size(); from += stride) {
            var some = points.subList(from, Math.min(from + stride, points.size()));
            means.add(new Point(
                    some.getLast().step(),
                    some.stream().mapToDouble(Point::loss).average().orElseThrow()));
        }
        return means;
    }

    /** The drawing and its legend. */
    String svg() {
        var drawn = series.stream()
                .filter(s -> !s.points.isEmpty())
                .map(s -> new Series(s.name, s.colour, thin(s.points)))
                .toList();
        if (drawn.isEmpty()) {
            return new Html()
                    .element("p class=\"none\"", "No measurements yet.")
                    .toString();
        }
        var points = drawn.stream().flatMap(s -> s.points.stream()).toList();
        var x = Axis.of(
                Math.min(0, points.stream().mapToLong(Point::step).min().orElseThrow()),
                Math.max(1, points.stream().mapToLong(Point::step).max().orElseThrow()),
                true);
        var y = Axis.of(
                points.stream().mapToDouble(Point::loss).min().orElseThrow(),
                points.stream().mapToDouble(Point::loss).max().orElseThrow(),
                false);
        var svg = new Html();
        svg.markup("<svg viewBox=\"0 0 " + WIDTH + " " + HEIGHT + "\" role=\"img\" aria-labelledby=\"" + id + "T " + id
                + "D\">\n");
        svg.element("title id=\"" + id + "T\"", title);
        svg.element("desc id=\"" + id + "D\"", describe(drawn));
        grid(svg, x, y);
        for (Series line : drawn) {
            line(svg, line, x, y);
        }
        svg.markup("</svg>\n");
        legend(svg, drawn);
        return svg.toString();
    }

    private static void grid(Html svg, Axis x, Axis y) {
        svg.markup("<g class=\"axis\">");
        for (double tick : y.ticks()) {
            String at = number(vertical(y, tick));
            svg.markup("<line class=\"grid\" x1=\"" + LEFT + "\" x2=\"" + (WIDTH - RIGHT) + "\" y1=\"" + at + "\" y2=\""
                    + at + "\"/><text x=\"" + (LEFT - 7) + "\" y=\"" + at
                    + "\" dy=\"4.5\" text-anchor=\"end\">" + y.label(tick) + "</text>\n");
        }
        int floor = HEIGHT - BOTTOM;
        for (double tick : x.ticks()) {
            String at = number(horizontal(x, tick));
            svg.markup("<line class=\"tick\" x1=\"" + at + "\" x2=\"" + at + "\" y1=\"" + floor + "\" y2=\""
                    + (floor + 4)
                    + "\"/><text x=\"" + at + "\" y=\"" + (floor + 18) + "\" text-anchor=\"middle\">" + x.label(tick)
                    + "</text>\n");
        }
        svg.markup("<line class=\"base\" x1=\"" + LEFT + "\" x2=\"" + (WIDTH - RIGHT) + "\" y1=\"" + floor + "\" y2=\""
                + floor + "\"/>");
        svg.markup("<text class=\"unit\" x=\"4\" y=\"15\">loss (nats per token)</text>");
        svg.markup("<text class=\"unit\" x=\"" + (WIDTH - RIGHT) + "\" y=\"" + (HEIGHT - 6)
                + "\" text-anchor=\"end\">optimiser step</text></g>\n");
    }

    private void line(Html svg, Series line, Axis x, Axis y) {
        var path = new StringBuilder();
        for (Point point : line.points) {
            path.append(path.isEmpty() ? "M" : "L")
                    .append(number(horizontal(x, point.step())))
                    .append(' ')
                    .append(number(vertical(y, point.loss())));
        }
        svg.markup("<path class=\"line " + line.style() + "\" d=\"" + path + "\"/>\n");
        if (marked || line.points.size() == 1) {
            for (Point point : line.points) {
                svg.markup("<circle class=\"mark " + line.style() + "\" r=\"4.5\" cx=\""
                        + number(horizontal(x, point.step())) + "\" cy=\"" + number(vertical(y, point.loss()))
                        + "\">");
                svg.element("title", line.name + ", step " + point.step() + ": " + loss(point.loss()));
                svg.markup("</circle>");
            }
        }
    }

    private static void legend(Html html, List<Series> drawn) {
        html.markup("<ul class=\"legend\">");
        for (Series line : drawn) {
            html.markup(
                    "<li><svg viewBox=\"0 0 22 8\" width=\"22\" height=\"8\" aria-hidden=\"true\"><path class=\"line "
                            + line.style() + "\" d=\"M1 4H21\"/></svg>");
            html.text(line.name)
                    .markup("<b>")
                    .text(loss(line.points.getLast().loss()))
                    .markup("</b></li>\n");
        }
        html.markup("</ul>\n");
    }

    private static String describe(List<Series> drawn) {
        var text = new ArrayList<String>();
        for (Series line : drawn) {
            var first = line.points.getFirst();
            var last = line.points.getLast();
            text.add(line.name + ": from " + loss(first.loss()) + " at step " + first.step() + " to "
                    + loss(last.loss()) + " at step " + last.step());
        }
        return String.join("; ", text);
    }

    /** A loss for people. */
    static String loss(double nats) {
        return String.format(Locale.ROOT, "%.3f", nats);
    }

    private static double horizontal(Axis axis, double value) {
        return LEFT + axis.part(value) * (WIDTH - LEFT - RIGHT);
    }

    private static double vertical(Axis axis, double value) {
        return HEIGHT - BOTTOM - axis.part(value) * (HEIGHT - TOP - BOTTOM);
    }

    private static String number(double pixels) {
        return String.format(Locale.ROOT, "%.1f", pixels);
    }
}
