/**
 * JMH: one benchmark per operation, for the training step and an evaluation, for the tokenizer and for reading a subnet. Every answer is compared with plain
 * double-precision loops before its time is taken: a wrong kernel has no speed. Read {@link sn9.benchmark.OpBenchmark} first.
 */
package sn9.benchmark;
