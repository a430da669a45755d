/**
 * The published rules of subnet 9 as pure functions and records, and the ports through which miners and validators reach
 * the Hub and the chain. No clock, no randomness, no network: block numbers and seeds are arguments. Imports nothing of
 * ours but the root package. Read {@link sn9.subnet.RuleSet} first.
 */
package sn9.subnet;
