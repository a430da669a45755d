/**
 * SCALE, the encoding of Substrate chains, and what a runtime's metadata says about it: types, storage keys, calls, events,
 * extrinsics. No connection and no clock. Imports nothing of ours but the root package. Read {@link
 * sn9.chain.scale.ScaleReader}, {@link sn9.chain.scale.Metadata} and {@link sn9.chain.scale.Value} first.
 */
package sn9.chain.scale;
