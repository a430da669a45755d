/**
 * The embedded chain as a server: Substrate's JSON-RPC over WebSocket and HTTP on loopback, for the clients that speak to a
 * genuine node. May import {@code localnet} and {@code localnet.chain}. Read {@link sn9.localnet.rpc.ChainServer} first, then
 * {@link sn9.localnet.rpc.RpcSession}, which knows no network.
 */
package sn9.localnet.rpc;
