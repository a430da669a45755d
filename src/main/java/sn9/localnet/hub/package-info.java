/**
 * The local network's Hub: repositories with commits in a folder ({@link sn9.localnet.hub.HubRepository}), used in process
 * ({@link sn9.localnet.hub.LocalHub}) and served in the HTTP protocol of huggingface.co (spec/hub.md). Each file of routes
 * is one section of that protocol. Read {@link sn9.localnet.hub.HubServer} first.
 */
package sn9.localnet.hub;
