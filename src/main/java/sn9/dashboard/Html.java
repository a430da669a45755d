package sn9.dashboard;

/** A page in the making. Whatever is not markup of ours goes through {@link #escape}, without exception. */
final class Html {
    /** Longest foreign text shown; a commitment has 128 bytes, a reason 500 characters. */
    private static final int MAX_TEXT = 20_000;

    private final StringBuilder page = new StringBuilder();

    /** Adds markup; never foreign text. */
    Html markup(String markup) {
        page.append(markup);
        return this;
    }

    /** Adds text, escaped. */
    Html text(Object text) {
        page.append(escape(String.valueOf(text)));
        return this;
    }

    /** Adds an element that holds only text. The tag may carry attributes of ours. */
    Html element(String tag, Object text) {
        String name = tag.split(" ", 2)[0];
        return markup("<" + tag + ">").text(text).markup("</" + name + ">\n");
    }

    @Override
    public String toString() {
        return page.toString();
    }

    /**
     * Foreign text as content or attribute value: nothing in it is markup, turns the direction of the line or is invisible.
     * Line ends and tabs stay.
     */
    static String escape(String text) {
        var escaped = new StringBuilder();
        text.codePoints().limit(MAX_TEXT).forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                case '\n', '\t' -> escaped.appendCodePoint(c);
                default -> escaped.appendCodePoint(isPlain(c) ? c : '\ufffd');
            }
        });
        return escaped.toString();
    }

    private static boolean isPlain(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
