package sn9.chain.scale;

import java.util.List;
import java.util.OptionalInt;

/**
 * One type of a registry (paritytech/scale-info:src/portable.rs).
 *
 * @param path module path and name, empty for types without a name
 * @param parameters its generic parameters
 * @param definition its layout
 * @param docs lines of documentation
 */
public record PortableType(
        List<String> path, List<Parameter> parameters, TypeDefinition definition, List<String> docs) {
    /**
     * A generic parameter.
     *
     * @param type id of its type; absent for one that leaves no trace in the layout
     */
    public record Parameter(String name, OptionalInt type) {}

    /** The last part of the path, or the kind of layout. */
    public String name() {
        return path.isEmpty() ? definition.getClass().getSimpleName() : path.getLast();
    }
}
