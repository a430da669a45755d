/**
 * The Hugging Face Hub as its own clients see it: repositories, uploads by preupload, LFS and commit, downloads at a commit
 * in parallel ranges that survive a crash, and the cache other tools share. Everything a server says is bounded and
 * checked; every file is verified against the hash the Hub names before it is seen whole. Implements the ports of
 * {@code subnet}; may import {@code http}, {@code subnet}, {@code metrics} and {@code files}. Read
 * {@link sn9.hub.HubModelStore} first.
 */
package sn9.hub;
