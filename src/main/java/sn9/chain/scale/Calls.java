package sn9.chain.scale;

import sn9.MalformedDataException;

/** Calls of a runtime as bytes: pallet, call and arguments, by the runtime's own metadata. */
public final class Calls {
    private Calls() {}

    /**
     * The bytes of a call.
     *
     * @param arguments all arguments, by name or in order
     * @throws MalformedDataException when this runtime has no such call, or it takes other arguments
     */
    public static byte[] encode(Metadata metadata, String pallet, String call, Value arguments)
            throws MalformedDataException {
        var found = metadata.pallet(pallet).orElseThrow(() -> missing(pallet, call));
        int type = found.calls().orElseThrow(() -> missing(pallet, call));
        var out = new ScaleWriter().u8(found.index());
        try {
            metadata.types().write(type, new Value.Choice(call, arguments), out);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(
                    "runtime metadata", -1, "call " + pallet + "." + call + ": " + e.getMessage(), e);
        }
        return out.toBytes();
    }

    /**
     * Reads a call, no more: a choice of the pallet around a choice of the call.
     *
     * @throws MalformedDataException when this runtime has no such call
     */
    public static Value decode(Metadata metadata, ScaleReader in) throws MalformedDataException {
        int index = in.u8();
        var pallet = metadata.pallet(index).orElseThrow(() -> in.malformed("there is no pallet of index " + index));
        int type = pallet.calls().orElseThrow(() -> in.malformed("pallet " + pallet.name() + " has no calls"));
        return Value.choice(pallet.name(), metadata.types().read(type, in));
    }

    private static MalformedDataException missing(String pallet, String call) {
        return new MalformedDataException("runtime metadata", -1, "has no call " + pallet + "." + call);
    }
}
