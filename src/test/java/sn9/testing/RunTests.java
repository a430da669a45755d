package sn9.testing;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.io.PrintWriter;
import java.lang.reflect.Method;
import java.util.stream.Stream;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * Runs test methods without a build: {@code RunTests CLASS#METHOD...}, as scripts/gpu-check.sh does on a machine that has no
 * Maven. Exits 0 where all passed and there was at least one, 1 otherwise.
 */
public final class RunTests {
    private RunTests() {}

    /** See the class. */
    public static void main(String[] methods) {
        var summary = new SummaryGeneratingListener();
        LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request();
        for (String method : methods) {
            request.selectors(selectMethod(owner(method), named(method)));
        }
        LauncherDiscoveryRequest chosen = request.build();
        LauncherFactory.create().execute(chosen, summary, new Lines());
        var counted = summary.getSummary();
        counted.printFailuresTo(new PrintWriter(System.out, true), 20);
        System.out.printf(
                "%d passed, %d failed, %d skipped%n",
                counted.getTestsSucceededCount(),
                counted.getTotalFailureCount(),
                counted.getTestsSkippedCount() + counted.getTestsAbortedCount());
        System.exit(counted.getTotalFailureCount() == 0 && counted.getTestsSucceededCount() > 0 ? 0 : 1);
    }

    private static Class<?> owner(String method) {
        try {
            return Class.forName(method.substring(0, method.indexOf('#')));
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException(method + ": there is no such class, expected CLASS#METHOD", e);
        }
    }

    private static Method named(String method) {
        String name = method.substring(method.indexOf('#') + 1);
        return Stream.of(owner(method).getDeclaredMethods())
                .filter(m -> m.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(method + ": the class has no such method"));
    }

    /** A line for each, with the first of its message where it failed. */
    private static final class Lines implements TestExecutionListener {
        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            if (!test.isTest() && result.getThrowable().isEmpty()) {
                return;
            }
            boolean passed = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
            String reason = result.getThrowable()
                    .map(e -> ": " + String.valueOf(e.getMessage()).strip().replaceAll("\\s+", " "))
                    .orElse("");
            System.out.println((passed ? "passed " : "FAILED ") + test.getDisplayName() + reason);
        }
    }
}
