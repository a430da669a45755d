package sn9.localnet.chain;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import sn9.localnet.chain.Declarations.Field;
import sn9.localnet.chain.Declarations.Use;
import sn9.localnet.chain.Declarations.Variant;

/**
 * Reads {@code runtime.txt}, the declarations of the embedded runtime. Line ends mean nothing; {@code #} starts a comment.
 *
 * <pre>
 * runtime NAME SPEC_VERSION TRANSACTION_VERSION
 * struct PATH(TYPE, ...)          enum PATH { INDEX NAME, INDEX NAME(TYPE, ...), INDEX NAME { FIELD: TYPE, ... } }
 * struct PATH { FIELD: TYPE, ... }      in an enum: repeat FIRST..LAST at INDEX NAME#(TYPE) with # counted up
 *                                       after a path: &lt;PARAMETER: TYPE, ...&gt;, where clients look for it
 * pallet NAME INDEX CRATE {
 *   storage NAME HASHER(TYPE) ... -> TYPE = DEFAULT      zero without "= DEFAULT", none for an Option
 *   call INDEX NAME(ARGUMENT: TYPE, ...)
 *   event INDEX NAME ...                                  as a variant
 *   errors { NAME, ... }                                  counted from 0
 *   constant NAME: TYPE = VALUE
 * }
 * api NAME VERSION { METHOD(ARGUMENT: TYPE, ...) -> TYPE ... }
 * extension NAME: TYPE, TYPE                               what is sent, what is only signed
 * </pre>
 */
final class RuntimeText {
    private static final Pattern TOKEN = Pattern.compile("->|\\.\\.|0x[0-9a-f]+|[A-Za-z0-9_#-]+(::[A-Za-z0-9_]+)*|\\S");
    private static final Pattern COMMENT = Pattern.compile("^# .*$|^#$", Pattern.MULTILINE);

    private final List<String> tokens = new ArrayList<>();
    private int at;

    private RuntimeText(String text) {
        Matcher matcher = TOKEN.matcher(COMMENT.matcher(text).replaceAll(""));
        while (matcher.find()) {
            tokens.add(matcher.group());
        }
    }

    /** The declarations that this program carries. */
    static Declarations embedded() {
        try (InputStream in = RuntimeText.class.getResourceAsStream("runtime.txt")) {
            return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("runtime.txt cannot be read from the program's jar", e);
        }
    }

    /** @throws IllegalArgumentException where the text is not as declared above */
    static Declarations parse(String text) {
        return new RuntimeText(text).declarations();
    }

    private Declarations declarations() {
        expect("runtime");
        String name = next();
        long spec = number();
        long transaction = number();
        Map<String, Declarations.Type> types = new LinkedHashMap<>();
        List<Declarations.Pallet> pallets = new ArrayList<>();
        List<Declarations.Api> apis = new ArrayList<>();
        List<Declarations.Extension> extensions = new ArrayList<>();
        while (at < tokens.size()) {
            String word = next();
            switch (word) {
                case "struct", "enum" -> {
                    List<String> path = Arrays.asList(next().split("::"));
                    List<Field> parameters = accept("<") ? list(">", this::named) : List.of();
                    var type = word.equals("enum")
                            ? new Declarations.Enumeration(path, parameters, variants())
                            : new Declarations.Struct(path, parameters, fields());
                    if (types.put(path.getLast(), type) != null) {
                        throw new IllegalArgumentException("runtime.txt declares " + path.getLast() + " twice");
                    }
                }
                case "pallet" -> pallets.add(pallet());
                case "api" -> apis.add(api());
                case "extension" -> extensions.add(extension());
                default -> throw unexpected("a declaration", word);
            }
        }
        return new Declarations(name, spec, transaction, types, pallets, apis, extensions);
    }

    private List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        expect("{");
        do {
            if (accept("repeat")) {
                repeat(variants);
            } else {
                variants.add(variant());
            }
        } while (accept(","));
        expect("}");
        return variants;
    }

    /** The same variant for every number of a range, which stands for {@code #} in its name and its lengths. */
    private void repeat(List<Variant> variants) {
        int first = number();
        expect("..");
        int last = number();
        expect("at");
        int index = number();
        int body = at;
        int end = at;
        for (int n = first; n <= last; n++) {
            at = body;
            int from = n;
            List<String> counted = tokens.subList(body, Math.min(body + 8, tokens.size())).stream()
                    .map(token -> token.replace("#", Integer.toString(from)))
                    .toList();
            var one = new RuntimeText(String.join(" ", counted));
            variants.add(new Variant(index + n - first, one.next(), one.fields()));
            end = body + one.at;
        }
        at = end;
    }

    private Variant variant() {
        return new Variant(number(), next(), fields());
    }

    /** {@code (TYPE, ...)}, {@code {NAME: TYPE, ...}} or nothing. */
    private List<Field> fields() {
        if (accept("(")) {
            return list(")", () -> new Field(Optional.empty(), type()));
        }
        return accept("{") ? list("}", this::named) : List.of();
    }

    private Field named() {
        String name = next();
        expect(":");
        return new Field(Optional.of(name), type());
    }

    private Declarations.Pallet pallet() {
        String name = next();
        int index = number();
        String module = next();
        List<Declarations.Item> storage = new ArrayList<>();
        List<Variant> calls = new ArrayList<>();
        List<Variant> events = new ArrayList<>();
        List<Variant> errors = new ArrayList<>();
        List<Declarations.Constant> constants = new ArrayList<>();
        expect("{");
        while (!accept("}")) {
            String word = next();
            switch (word) {
                case "storage" -> storage.add(item());
                case "call" -> {
                    int call = number();
                    String callName = next();
                    expect("(");
                    calls.add(new Variant(call, callName, list(")", this::named)));
                }
                case "event" -> events.add(variant());
                case "errors" -> {
                    expect("{");
                    for (String error : list("}", this::next)) {
                        errors.add(new Variant(errors.size(), error, List.of()));
                    }
                }
                case "constant" -> constants.add(constant());
                default -> throw unexpected("a part of pallet " + name, word);
            }
        }
        return new Declarations.Pallet(name, index, module, storage, calls, events, errors, constants);
    }

    private Declarations.Item item() {
        String name = next();
        List<Declarations.Key> keys = new ArrayList<>();
        while (!accept("->")) {
            String hasher = next();
            expect("(");
            keys.add(new Declarations.Key(hasher, type()));
            expect(")");
        }
        Use value = type();
        return new Declarations.Item(name, keys, value, accept("=") ? Optional.of(literal()) : Optional.empty());
    }

    private Declarations.Constant constant() {
        String name = next();
        expect(":");
        Use type = type();
        expect("=");
        return new Declarations.Constant(name, type, literal());
    }

    /** Bytes may be written in several pieces. */
    private Declarations.Literal literal() {
        StringBuilder text = new StringBuilder(next());
        while (text.indexOf("0x") == 0 && at < tokens.size() && tokens.get(at).startsWith("0x")) {
            text.append(next().substring(2));
        }
        return new Declarations.Literal(text.toString());
    }

    private Declarations.Api api() {
        String name = next();
        int version = number();
        List<Declarations.Method> methods = new ArrayList<>();
        expect("{");
        while (!accept("}")) {
            String method = next();
            expect("(");
            List<Field> inputs = list(")", this::named);
            expect("->");
            methods.add(new Declarations.Method(method, inputs, type()));
        }
        return new Declarations.Api(name, version, methods);
    }

    private Declarations.Extension extension() {
        String identifier = next();
        expect(":");
        Use extra = type();
        expect(",");
        return new Declarations.Extension(identifier, extra, type());
    }

    private Use type() {
        String token = next();
        return switch (token) {
            case "(" -> new Declarations.TupleOf(list(")", this::type));
            case "[" -> {
                Use item = type();
                expect(";");
                int length = number();
                expect("]");
                yield new Declarations.ArrayOf(item, length);
            }
            case "Vec" -> new Declarations.ListOf(parameters(1).getFirst());
            case "Compact" -> new Declarations.CompactOf(parameters(1).getFirst());
            case "Option" -> new Declarations.OptionOf(parameters(1).getFirst());
            case "Result" -> {
                List<Use> parameters = parameters(2);
                yield new Declarations.ResultOf(parameters.get(0), parameters.get(1));
            }
            default -> new Declarations.Name(token);
        };
    }

    private List<Use> parameters(int count) {
        expect("<");
        List<Use> parameters = list(">", this::type);
        if (parameters.size() != count) {
            throw unexpected(count + " parameters", parameters.toString());
        }
        return parameters;
    }

    private <T> List<T> list(String end, Supplier<T> item) {
        List<T> items = new ArrayList<>();
        while (!accept(end)) {
            if (!items.isEmpty()) {
                expect(",");
            }
            items.add(item.get());
        }
        return items;
    }

    private int number() {
        String token = next();
        try {
            return Integer.parseInt(token);
        } catch (NumberFormatException e) {
            throw unexpected("a number", token);
        }
    }

    private boolean accept(String token) {
        if (at < tokens.size() && tokens.get(at).equals(token)) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(String token) {
        if (!accept(token)) {
            throw unexpected(token, at < tokens.size() ? tokens.get(at) : "the end");
        }
    }

    private String next() {
        if (at == tokens.size()) {
            throw unexpected("more", "the end");
        }
        return tokens.get(at++);
    }

    private IllegalArgumentException unexpected(String wanted, String found) {
        List<String> before = tokens.subList(Math.max(0, at - 8), at);
        return new IllegalArgumentException(
                "runtime.txt: expected " + wanted + ", found " + found + " after " + String.join(" ", before));
    }
}
