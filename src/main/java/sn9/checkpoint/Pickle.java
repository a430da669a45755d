package sn9.checkpoint;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.MalformedDataException;

/**
 * Reads the pickle of a PyTorch state dict as data (spec/hub.md 7): a stack machine that knows the opcodes such a file
 * needs, builds dicts, lists, tuples, numbers, texts and descriptions of tensors, and calls nothing. Every other opcode and
 * every name outside {@link TorchGlobal} is refused.
 *
 * <p>Values may hold themselves, as pickles can say so; nothing here compares, prints or walks them but {@link #read}'s
 * caller, one level deep. Memory is bounded by {@link #MAX_BYTES}: an opcode makes one small object.
 */
final class Pickle {
    /** Bytes of a pickle, at most; GPT-2 XL's has 120,000. */
    static final int MAX_BYTES = 1 << 20;

    private static final int MAX_NAME_BYTES = 4096;
    private static final int PROTOCOL = 2;

    /** A tensor as it is described: elements of a storage that another entry of the archive holds. */
    record Tensor(Storage storage, long offset, long[] sizes, long[] strides) {}

    /** The bytes of some tensors: {@code elements} of a type under a key. */
    record Storage(TorchGlobal type, String key, long elements) {}

    private record Tuple(List<Object> items) {}

    private static final class Dict {
        private final Map<String, Object> entries = new LinkedHashMap<>();
    }

    /** The value None. */
    private enum None {
        NONE
    }

    private final String source;
    private final ByteBuffer in;
    private final PickleStack stack = new PickleStack(this::fault);

    private Pickle(String source, ByteBuffer in) {
        this.source = source;
        this.in = in.order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The tensors of a pickled state dict by name, in its order.
     *
     * @param source what to call the pickle in messages
     * @param bytes all of it, at most {@link #MAX_BYTES}
     * @throws MalformedDataException when it is anything else; names what was refused, and where
     */
    static Map<String, Tensor> read(String source, byte[] bytes) throws MalformedDataException {
        if (bytes.length > MAX_BYTES) {
            throw new MalformedDataException(
                    source, -1, "expected at most " + MAX_BYTES + " bytes, found " + bytes.length);
        }
        return new Pickle(source, ByteBuffer.wrap(bytes)).stateDict();
    }

    private Map<String, Tensor> stateDict() throws MalformedDataException {
        Object root;
        try {
            root = run();
        } catch (BufferUnderflowException e) {
            throw new MalformedDataException(source, in.limit(), "expected more, found its end", e);
        }
        if (!(root instanceof Dict dict)) {
            throw fault("expected a state dict, found " + kind(root));
        }
        var tensors = new LinkedHashMap<String, Tensor>();
        for (Map.Entry<String, Object> entry : dict.entries.entrySet()) {
            if (!(entry.getValue() instanceof Tensor tensor)) {
                throw fault("expected " + StrictJson.shown(entry.getKey()) + " to be a tensor, found "
                        + kind(entry.getValue()) + "; save the model's state_dict() alone");
            }
            tensors.put(entry.getKey(), tensor);
        }
        return tensors;
    }

    private Object run() throws MalformedDataException {
        expectProtocol();
        while (true) {
            int code = in.get() & 0xFF;
            PickleOp op = PickleOp.of(code);
            if (op == null) {
                throw fault("0x%02x is no opcode of pickle".formatted(code));
            }
            if (op == PickleOp.STOP) {
                if (in.hasRemaining() || stack.size() != 1) {
                    throw fault("expected its end and one value, found " + in.remaining() + " more bytes and "
                            + stack.size() + " values");
                }
                return stack.pop();
            }
            execute(op);
        }
    }

    private void expectProtocol() throws MalformedDataException {
        int code = in.get() & 0xFF;
        int version = in.get() & 0xFF;
        if (code != PickleOp.PROTO.code() || version != PROTOCOL) {
            throw fault("expected a pickle of protocol " + PROTOCOL
                    + ", which torch.save writes, found 0x%02x%02x".formatted(code, version));
        }
    }

    private void execute(PickleOp op) throws MalformedDataException {
        switch (op) {
            case MARK -> stack.mark();
            case NONE -> stack.push(None.NONE);
            case NEWTRUE -> stack.push(true);
            case NEWFALSE -> stack.push(false);
            case BININT -> stack.push((long) in.getInt());
            case BININT1 -> stack.push((long) (in.get() & 0xFF));
            case BININT2 -> stack.push((long) (in.getShort() & 0xFFFF));
            case LONG1 -> stack.push(longNumber());
            case BINFLOAT -> stack.push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
            case BINUNICODE -> stack.push(text(in.getInt()));
            case SHORT_BINSTRING -> stack.push(text(in.get() & 0xFF));
            case EMPTY_DICT -> stack.push(new Dict());
            case EMPTY_LIST -> stack.push(new ArrayList<>());
            case EMPTY_TUPLE -> stack.push(new Tuple(List.of()));
            case TUPLE -> stack.push(new Tuple(stack.popToMark()));
            case TUPLE1 -> stack.push(new Tuple(stack.popLast(1)));
            case TUPLE2 -> stack.push(new Tuple(stack.popLast(2)));
            case TUPLE3 -> stack.push(new Tuple(stack.popLast(3)));
            case SETITEM -> setItems(stack.popLast(2));
            case SETITEMS -> setItems(stack.popToMark());
            case APPEND -> append(stack.popLast(1));
            case APPENDS -> append(stack.popToMark());
            case BINPUT -> stack.put(in.get() & 0xFF);
            case LONG_BINPUT -> stack.put(in.getInt());
            case BINGET -> stack.get(in.get() & 0xFF);
            case LONG_BINGET -> stack.get(in.getInt());
            case GLOBAL -> stack.push(global());
            case BINPERSID -> stack.push(storage(stack.pop()));
            case REDUCE -> stack.push(reduce(stack.pop(), stack.pop()));
            case BUILD -> build(stack.pop());
            default -> throw fault("refused opcode " + op + ": no state dict needs it");
        }
    }

    private long longNumber() throws MalformedDataException {
        int length = in.get() & 0xFF;
        if (length > Long.BYTES) {
            throw fault("refused a number of " + length + " bytes, expected at most " + Long.BYTES);
        }
        long number = 0;
        for (int i = 0; i < length; i++) {
            number |= (long) (in.get() & 0xFF) << 8 * i;
        }
        int unused = Long.SIZE - 8 * length;
        return length == 0 ? 0 : number << unused >> unused;
    }

    private String text(int length) throws MalformedDataException {
        if (length < 0 || length > MAX_NAME_BYTES) {
            throw fault("refused a text of " + Integer.toUnsignedString(length) + " bytes, expected at most "
                    + MAX_NAME_BYTES);
        }
        var bytes = new byte[Math.min(length, in.remaining() + 1)];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void setItems(List<Object> items) throws MalformedDataException {
        if (items.size() % 2 != 0 || !(stack.peek() instanceof Dict dict)) {
            throw fault("refused to set " + items.size() + " keys and values of " + kind(stack.peek())
                    + ", expected pairs and a dict");
        }
        for (int i = 0; i < items.size(); i += 2) {
            if (!(items.get(i) instanceof String key)) {
                throw fault("refused a dict's key that is " + kind(items.get(i)) + ", expected a text");
            }
            if (dict.entries.putIfAbsent(key, items.get(i + 1)) != null) {
                throw fault("refused a second entry " + StrictJson.shown(key) + " of a dict");
            }
        }
    }

    @SuppressWarnings("unchecked") // the only lists are the ones EMPTY_LIST made
    private void append(List<Object> items) throws MalformedDataException {
        if (!(stack.peek() instanceof ArrayList<?> list)) {
            throw fault("refused to append to " + kind(stack.peek()) + ", expected a list");
        }
        ((List<Object>) list).addAll(items);
    }

    private TorchGlobal global() throws MalformedDataException {
        String module = line();
        String name = line();
        return TorchGlobal.named(module, name)
                .orElseThrow(() -> fault("refused the global " + StrictJson.shown(module + "." + name)
                        + ": not among the names a state dict needs, and perhaps code meant to run here"));
    }

    private String line() throws MalformedDataException {
        int start = in.position();
        while (in.get() != '\n') {
            if (in.position() - start > MAX_NAME_BYTES) {
                throw fault("refused a name of more than " + MAX_NAME_BYTES + " bytes");
            }
        }
        return new String(in.array(), start, in.position() - 1 - start, StandardCharsets.UTF_8);
    }

    /** The persistent id {@code ("storage", class, key, device, elements)}. */
    private Storage storage(Object id) throws MalformedDataException {
        if (id instanceof Tuple(List<Object> items)
                && items.size() == 5
                && "storage".equals(items.get(0))
                && items.get(1) instanceof TorchGlobal type
                && type.dtype() != null
                && items.get(2) instanceof String key
                && items.get(3) instanceof String
                && items.get(4) instanceof Long elements
                && elements >= 0) {
            return new Storage(type, key, elements);
        }
        throw fault("refused a persistent id that is none of a storage (class, key, device, elements)");
    }

    private Object reduce(Object arguments, Object callee) throws MalformedDataException {
        if (!(callee instanceof TorchGlobal global) || !(arguments instanceof Tuple(List<Object> items))) {
            throw fault("refused to call " + kind(callee) + " with " + kind(arguments));
        }
        int count = items.size();
        Object first = count == 0 ? None.NONE : items.getFirst();
        if (global == TorchGlobal.ORDERED_DICT && count == 0) {
            return new Dict();
        }
        if (global == TorchGlobal.REBUILD_TENSOR && (count == 6 || count == 7)) {
            return tensor(items);
        }
        if (global == TorchGlobal.SIZE && count == 1 && first instanceof Tuple
                || global == TorchGlobal.REBUILD_PARAMETER && count == 3 && first instanceof Tensor) {
            return first;
        }
        throw fault("refused to call " + kind(global) + " with " + count + " arguments");
    }

    /** {@code (storage, offset, sizes, strides, requires_grad, hooks[, metadata])}; what comes after the strides is nothing. */
    private Tensor tensor(List<Object> items) throws MalformedDataException {
        if (items.get(0) instanceof Storage storage
                && items.get(1) instanceof Long offset
                && items.get(2) instanceof Tuple sizes
                && items.get(3) instanceof Tuple strides
                && items.get(4) instanceof Boolean
                && items.get(5) instanceof Dict) {
            return new Tensor(storage, offset, numbers(sizes), numbers(strides));
        }
        throw fault("refused a tensor that is not (storage, offset, sizes, strides, requires_grad, hooks)");
    }

    private long[] numbers(Tuple tuple) throws MalformedDataException {
        var numbers = new long[tuple.items.size()];
        for (int i = 0; i < numbers.length; i++) {
            if (!(tuple.items.get(i) instanceof Long number)) {
                throw fault("refused " + kind(tuple.items.get(i)) + " among sizes or strides");
            }
            numbers[i] = number;
        }
        return numbers;
    }

    /** The attributes of an OrderedDict, which {@code state_dict()} gives its versions; they are nothing to us. */
    private void build(Object state) throws MalformedDataException {
        if (!(state instanceof Dict) || !(stack.peek() instanceof Dict)) {
            throw fault("refused to set attributes of " + kind(stack.peek()) + " from " + kind(state));
        }
    }

    /** What a value is, never its content. */
    private static String kind(Object value) {
        return switch (value) {
            case None.NONE -> "None";
            case Dict _ -> "a dict";
            case Tuple _ -> "a tuple";
            case Tensor _ -> "a tensor";
            case Storage _ -> "a storage";
            case TorchGlobal global -> global.qualified().replace(' ', '.');
            case String _ -> "a text";
            case Boolean _ -> "a truth value";
            case Number _ -> "a number";
            default -> "a list";
        };
    }

    private MalformedDataException fault(String reason) {
        return new MalformedDataException(source, in.position(), reason);
    }
}
