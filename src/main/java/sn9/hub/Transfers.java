package sn9.hub;

/** Is told how far uploads and downloads are; a person may be looking on. Called from any thread. */
public interface Transfers {
    /** Nobody looks on. */
    Transfers SILENT = (name, bytes) -> new Transfer() {
        @Override
        public void moved(long bytes) {}

        @Override
        public void close() {}
    };

    /** One file under way. */
    interface Transfer extends AutoCloseable {
        /** So many more bytes have gone through; negative when some have to go again. */
        void moved(long bytes);

        /** The transfer is over, done or not. */
        @Override
        void close();
    }

    /**
     * A transfer begins.
     *
     * @param name what, for people
     * @param bytes how many in all
     */
    Transfer begin(String name, long bytes);
}
