/**
 * Memory and math on one device: the operations of {@code sn9_ops.h} and {@code sn9_device.h}, bound once through FFM,
 * and the native libraries behind them. May import {@code tensor}. Read {@link sn9.engine.Ops} first.
 */
package sn9.engine;
