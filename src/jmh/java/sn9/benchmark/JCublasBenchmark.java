package sn9.benchmark;

import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.runtime.cudaStream_t;
import org.openjdk.jmh.annotations.Benchmark;
import sn9.engine.cuda.JCudaInterop;

/**
 * The f32 product N x C by C x 4C by our kernel and by cuBLAS through JCublas, on the same buffers in the same stream: an
 * independent baseline. Needs {@code -p device=cuda}, jcuda-natives and jcublas-natives 12.6.0 on the class path, and CUDA
 * 12's libcublas.so.12.
 */
public class JCublasBenchmark extends OpBenchmark {
    private Tensor a; // (N, C) f32
    private Tensor b; // (C, 4*C) f32
    private Tensor product; // (N, 4*C) f32
    private JCudaInterop interop;
    private final cublasHandle handle = new cublasHandle();

    @Override
    void prepare() {
        a = floats("a", (long) N * C, 1);
        b = floats("b", 4L * C * C, 1);
        product = floats("product", 4L * N * C, 0);
        interop = JCudaInterop.of(engine);
        JCublas2.setExceptionsEnabled(true);
        JCublas2.cublasCreate(handle);
        JCublas2.cublasSetStream(handle, new cudaStream_t(interop.stream()));
    }

    @Override
    public void close() {
        JCublas2.cublasDestroy(handle);
        interop.close();
        super.close();
    }

    @Override
    void check() {
        float[] x = a.read();
        float[] y = b.read();
        runOwn();
        compare("matmul", product, i -> Plain.dot(x, i / (4 * C) * C, 1, y, i % (4 * C), 4 * C, C), C);
        ops.clear(product.buffer());
        runCublas();
        engine.synchronize();
        compare("cublasSgemm", product, i -> Plain.dot(x, i / (4 * C) * C, 1, y, i % (4 * C), 4 * C, C), C);
    }

    private void runOwn() {
        ops.matmul(product.buffer(), a.buffer(), b.buffer(), N, C, 4 * C, false);
    }

    /** cuBLAS is column-major: product^T = b^T * a^T. */
    private void runCublas() {
        JCublas2.cublasSgemm(
                handle,
                cublasOperation.CUBLAS_OP_N,
                cublasOperation.CUBLAS_OP_N,
                4 * C,
                N,
                C,
                Pointer.to(new float[] {1}),
                interop.pointer(b.buffer()),
                4 * C,
                interop.pointer(a.buffer()),
                C,
                Pointer.to(new float[] {0}),
                interop.pointer(product.buffer()),
                4 * C);
    }

    private double bytes() {
        return 4 * ((double) N * C + 4.0 * C * C + 4.0 * N * C);
    }

    @Benchmark
    public void own(Rates rates) {
        runOwn();
        done(rates, bytes(), 8.0 * N * C * C);
    }

    @Benchmark
    public void cublas(Rates rates) {
        runCublas();
        done(rates, bytes(), 8.0 * N * C * C);
    }
}
