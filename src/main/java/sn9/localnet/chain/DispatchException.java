package sn9.localnet.chain;

import sn9.chain.scale.Value;

/** A call was included in a block and failed: what it had written is undone, its error stands in the block's events. */
public final class DispatchException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Value error;

    private DispatchException(String name, Value error) {
        super(name);
        this.error = error;
    }

    /** An error of a pallet, by its name in the metadata. */
    static DispatchException of(String pallet, String name) {
        return new DispatchException(name, Runtime.embedded().moduleError(pallet, name));
    }

    /** An error that runtimes share, by variant: {@code BadOrigin}, or {@code Arithmetic} and its kind. */
    static DispatchException shared(String name, String... kind) {
        Value error = kind.length == 0 ? Value.choice(name) : Value.choice(name, Value.choice(kind[0]));
        return new DispatchException(kind.length == 0 ? name : name + "." + kind[0], error);
    }

    /** The {@code DispatchError} as the block's events hold it; {@link #getMessage} is its name. */
    Value error() {
        return error;
    }
}
