/**
 * Files on the local disk that a crash leaves whole (written under another name, synced, renamed) and whole directories. May
 * import nothing of ours. Read {@link sn9.files.AtomicFiles} first.
 */
package sn9.files;
