package sn9.chain.scale;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import sn9.MalformedDataException;

/** The events of a block, {@code System.Events}, and the errors that they carry (spec/chain.md 6). */
public final class RuntimeEvents {
    private RuntimeEvents() {}

    /**
     * One event.
     *
     * @param extrinsic place in the block of the extrinsic that caused it; absent for those of the block itself
     * @param fields the event's fields
     */
    public record Event(OptionalInt extrinsic, String pallet, String name, Value fields) {
        /** Whether this is the event of that pallet and name. */
        public boolean is(String wantedPallet, String wantedName) {
            return pallet.equals(wantedPallet) && name.equals(wantedName);
        }
    }

    /**
     * Reads the value of {@code System.Events}.
     *
     * @throws MalformedDataException when it has another layout than Substrate gives it
     */
    public static List<Event> read(Value records) throws MalformedDataException {
        var events = new ArrayList<Event>();
        for (Value entry : records.items()) {
            var phase = entry.field("phase").choice();
            var extrinsic = phase.name().equals("ApplyExtrinsic")
                    ? OptionalInt.of((int) phase.at(0).natural())
                    : OptionalInt.empty();
            var pallet = entry.field("event").choice();
            var event = pallet.at(0).choice();
            events.add(new Event(extrinsic, pallet.name(), event.name(), event.fields()));
        }
        return events;
    }

    /**
     * A dispatch error by name: {@code Commitments.AccountNotAllowedCommit}, {@code Arithmetic.Underflow}, {@code BadOrigin}.
     *
     * @param error a value of the runtime's {@code DispatchError}
     */
    public static String errorName(Metadata metadata, Value error) throws MalformedDataException {
        var choice = error.choice();
        if (!choice.name().equals("Module")) {
            var inner = choice.items();
            return inner.isEmpty() || !(inner.getFirst() instanceof Value.Choice kind)
                    ? choice.name()
                    : choice.name() + "." + kind.name();
        }
        var module = choice.items().size() == 1 ? choice.at(0) : choice.fields();
        int index = (int) module.field("index").natural();
        byte[] code = module.field("error").bytes();
        return moduleError(metadata, index, code.length == 0 ? 0 : code[0] & 0xFF);
    }

    private static String moduleError(Metadata metadata, int index, int code) {
        return metadata.pallet(index)
                .map(pallet -> pallet.name() + "."
                        + pallet.errors().stream()
                                .mapToObj(metadata.types()::definition)
                                .filter(TypeDefinition.Variants.class::isInstance)
                                .flatMap(variants -> ((TypeDefinition.Variants) variants).find(code).stream())
                                .map(TypeDefinition.Variant::name)
                                .findFirst()
                                .orElse("error " + code))
                .orElse("pallet " + index + ", error " + code);
    }
}
