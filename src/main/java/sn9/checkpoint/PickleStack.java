package sn9.checkpoint;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import sn9.MalformedDataException;

/** The values that a {@link Pickle} is working on, and those it remembers; bounded in number. */
final class PickleStack {
    private static final int MAX_VALUES = 1 << 16; // pickling takes dicts in parts of 1000 entries
    private static final int MAX_MEMO = 1 << 17;

    private static final Object MARK = new Object();

    private final Function<String, MalformedDataException> fault;
    private final List<Object> values = new ArrayList<>();
    private final Map<Integer, Object> memo = new HashMap<>();

    /**
     * An empty stack.
     *
     * @param fault makes the exception for a reason, with the place where reading is
     */
    PickleStack(Function<String, MalformedDataException> fault) {
        this.fault = fault;
    }

    /** How many values there are, marks included. */
    int size() {
        return values.size();
    }

    void push(Object value) throws MalformedDataException {
        if (values.size() == MAX_VALUES) {
            throw fault.apply("refused more than " + MAX_VALUES + " values at once");
        }
        values.add(value);
    }

    /** Marks where a run of values begins. */
    void mark() throws MalformedDataException {
        push(MARK);
    }

    /** The topmost value; a mark is none. */
    Object peek() throws MalformedDataException {
        if (values.isEmpty() || values.getLast() == MARK) {
            throw fault.apply("expected a value, found none");
        }
        return values.getLast();
    }

    Object pop() throws MalformedDataException {
        Object value = peek();
        values.removeLast();
        return value;
    }

    /** Takes the topmost values, the deepest first. */
    List<Object> popLast(int count) throws MalformedDataException {
        var last = new Object[count];
        for (int i = count - 1; i >= 0; i--) {
            last[i] = pop();
        }
        return List.of(last);
    }

    /** Takes all values above the topmost mark, and the mark. */
    List<Object> popToMark() throws MalformedDataException {
        int mark = values.size() - 1;
        while (mark >= 0 && values.get(mark) != MARK) {
            mark--;
        }
        if (mark < 0) {
            throw fault.apply("expected a mark, found none");
        }
        List<Object> above = values.subList(mark, values.size());
        List<Object> taken = List.copyOf(above.subList(1, above.size()));
        above.clear();
        return taken;
    }

    /** Remembers the topmost value under a number. */
    void put(int index) throws MalformedDataException {
        memo.put(index, peek());
        if (memo.size() > MAX_MEMO) {
            throw fault.apply("refused more than " + MAX_MEMO + " remembered values");
        }
    }

    /** Pushes a remembered value. */
    void get(int index) throws MalformedDataException {
        Object value = memo.get(index);
        if (value == null) {
            throw fault.apply("value " + Integer.toUnsignedString(index) + " is recalled but was never remembered");
        }
        push(value);
    }
}
