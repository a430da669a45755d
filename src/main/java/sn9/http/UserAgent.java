package sn9.http;

/** How this program names itself to servers. */
final class UserAgent {
    /** {@code sn9/version; java/25}. */
    static final String TEXT =
            "sn9/" + version() + "; java/" + Runtime.version().feature();

    private UserAgent() {}

    private static String version() {
        String packaged = UserAgent.class.getPackage().getImplementationVersion();
        return packaged == null ? "development" : packaged;
    }
}
