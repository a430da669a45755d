package sn9.metrics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON that is always valid: a number that is not finite becomes {@code null}, and the object that holds it gains a
 * field {@code <name>_reason} that says what it was. Keys keep their order; maps may nest, and so may lists.
 */
public final class FiniteJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    private FiniteJson() {}

    /**
     * One object as one line, without a line end.
     *
     * @param object names to null, texts, booleans, numbers, arrays of numbers, lists and maps of these
     */
    public static String line(Map<String, ?> object) {
        try {
            return JSON.writeValueAsString(finite(object));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("cannot be written as JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static Map<String, Object> finite(Map<?, ?> object) {
        var result = new LinkedHashMap<String, Object>();
        object.forEach((key, value) -> {
            String name = String.valueOf(key);
            var reasons = new ArrayList<String>();
            result.put(name, finite(value, "", reasons));
            if (!reasons.isEmpty()) {
                result.put(name + "_reason", String.join(", ", reasons));
            }
        });
        return result;
    }

    private static Object finite(Object value, String place, List<String> reasons) {
        return switch (value) {
            case null -> null;
            case Double number -> number(number, place, reasons);
            case Float number -> number(number.doubleValue(), place, reasons) == null ? null : number;
            case Map<?, ?> map -> finite(map);
            case Iterable<?> list -> {
                var result = new ArrayList<>();
                for (Object item : list) {
                    result.add(finite(item, place + "[" + result.size() + "]", reasons));
                }
                yield result;
            }
            case double[] numbers -> {
                var result = new ArrayList<>(numbers.length);
                for (double number : numbers) {
                    result.add(number(number, place + "[" + result.size() + "]", reasons));
                }
                yield result;
            }
            case Object[] items -> finite(Arrays.asList(items), place, reasons);
            case float[] numbers -> {
                var result = new ArrayList<>(numbers.length);
                for (float number : numbers) {
                    result.add(finite(number, place + "[" + result.size() + "]", reasons));
                }
                yield result;
            }
            case Object other -> other;
        };
    }

    private static Double number(double number, String place, List<String> reasons) {
        if (Double.isFinite(number)) {
            return number;
        }
        String what = Double.isNaN(number) ? "not a number" : number > 0 ? "infinite" : "minus infinite";
        reasons.add(place.isEmpty() ? what : place + " is " + what);
        return null;
    }
}
