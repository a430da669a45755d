/**
 * Numbers meant for machines: where training and validation steps report to. Imports nothing of ours but the root
 * package. Read {@link sn9.metrics.MetricsSink} first.
 */
package sn9.metrics;
