/**
 * The local network's Hub as a server of the Hugging Face Hub's HTTP protocol (spec/hub.md), over the same folder that
 * {@link sn9.localnet.LocalHub} uses in process. Read {@link sn9.localnet.hub.HubServer} first.
 */
package sn9.localnet.hub;
