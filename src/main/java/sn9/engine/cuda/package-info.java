/**
 * Our device memory in the hands of other CUDA libraries for Java. Needs JCuda 12.6 on the class path, which the jar does not
 * carry; nothing else of ours imports it. May import {@code engine}. Read {@link sn9.engine.cuda.JCudaInterop} first.
 */
package sn9.engine.cuda;
