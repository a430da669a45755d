/**
 * Keys of the Bittensor network: sr25519 pairs, mnemonics, SS58 addresses, and the keyfiles and folders that btcli keeps
 * them in. May import {@code files}. Read {@link sn9.wallet.Keypair} first.
 */
package sn9.wallet;
