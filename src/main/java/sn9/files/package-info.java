/**
 * Files on the local disk that a crash leaves whole (written under another name, synced, renamed), files with one owner among
 * processes, and whole directories. May import nothing of ours. Read {@link sn9.files.AtomicFiles} first.
 */
package sn9.files;
