package sn9.benchmark;

/** Plain double-precision loops that answers are compared with. */
final class Plain {
    private Plain() {}

    /** Sum of n products: a from {@code a0} by steps, b from {@code b0} by steps. */
    static double dot(float[] a, int a0, int aStep, float[] b, int b0, int bStep, int n) {
        double sum = 0;
        for (int k = 0; k < n; k++) {
            sum += (double) a[a0 + k * aStep] * b[b0 + k * bStep];
        }
        return sum;
    }

    /** Sum of n elements from {@code a0} by steps. */
    static double sum(float[] a, int a0, int step, int n) {
        double sum = 0;
        for (int k = 0; k < n; k++) {
            sum += a[a0 + k * step];
        }
        return sum;
    }

    /** GELU in its tanh form. */
    static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    /** Mean and 1 / standard deviation of a row of C elements. */
    static double[] moments(float[] x, int at, int C, double epsilon) {
        double mean = sum(x, at, 1, C) / C;
        double square = 0;
        for (int c = 0; c < C; c++) {
            square += (x[at + c] - mean) * (x[at + c] - mean);
        }
        return new double[] {mean, 1 / Math.sqrt(square / C + epsilon)};
    }

    /** Softmax of the first n values, in place; returns the log of the sum of exponentials. */
    static double softmax(double[] values, int n) {
        double top = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            top = Math.max(top, values[i]);
        }
        double total = 0;
        for (int i = 0; i < n; i++) {
            total += Math.exp(values[i] - top);
        }
        double lse = top + Math.log(total);
        for (int i = 0; i < n; i++) {
            values[i] = Math.exp(values[i] - lse);
        }
        return lse;
    }
}
