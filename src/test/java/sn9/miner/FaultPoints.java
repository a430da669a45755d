package sn9.miner;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import sn9.RemoteCallException;

/** Ports that fail at one chosen point: before a call reaches the network, or after it did its work. */
final class FaultPoints {
    private final int failing;
    final List<String> points = new ArrayList<>();

    /** Fails at a point, counted from 0; a point that is never reached fails nothing. */
    FaultPoints(int failing) {
        this.failing = failing;
    }

    /** The port, with a point before and one after each of its calls. */
    <P> P around(Class<P> port, P real) {
        return port.cast(Proxy.newProxyInstance(
                port.getClassLoader(), new Class<?>[] {port}, (_, method, arguments) -> call(real, method, arguments)));
    }

    private Object call(Object real, Method method, Object[] arguments) throws Throwable {
        pass("before " + method.getName());
        Object result;
        try {
            result = method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        pass("after " + method.getName());
        return result;
    }

    private void pass(String point) throws RemoteCallException {
        points.add(point);
        if (points.size() - 1 == failing) {
            throw new RemoteCallException("injected " + point, true);
        }
    }
}
