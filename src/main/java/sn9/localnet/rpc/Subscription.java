package sn9.localnet.rpc;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a session wants to be told. */
sealed interface Subscription {
    /** The method of its notifications. */
    String notification();

    /** Headers of blocks as they are made, or as they become final. */
    record Heads(String notification, boolean finalized) implements Subscription {}

    /** The runtime's version, which never changes here: told once. */
    record Version() implements Subscription {
        @Override
        public String notification() {
            return "state_runtimeVersion";
        }
    }

    /** Values of storage keys, told when they change. */
    final class Storage implements Subscription {
        private final Map<String, Optional<String>> values = new LinkedHashMap<>();
        private final List<byte[]> keys;

        Storage(List<byte[]> keys) {
            this.keys = List.copyOf(keys);
        }

        List<byte[]> keys() {
            return keys;
        }

        /** Remembers a value; whether it is another than before. */
        boolean changes(String key, Optional<String> value) {
            boolean known = values.containsKey(key);
            return !value.equals(values.put(key, value)) || !known;
        }

        @Override
        public String notification() {
            return "state_storage";
        }
    }

    /** What becomes of an extrinsic. */
    final class Watch implements Subscription {
        private final byte[] hash;
        private Optional<Long> block;

        Watch(byte[] hash, Optional<Long> block) {
            this.hash = hash.clone();
            this.block = block;
        }

        byte[] hash() {
            return hash;
        }

        /** The block that holds it, once one does. */
        Optional<Long> block() {
            return block;
        }

        void included(long number) {
            block = Optional.of(number);
        }

        @Override
        public String notification() {
            return "author_extrinsicUpdate";
        }
    }
}
