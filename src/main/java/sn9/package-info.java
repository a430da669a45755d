/**
 * The words every room shares: exceptions that name whose bytes were malformed and which remote said no, and secrets
 * that never print. Imports nothing of ours; every other package may import it. Read {@link sn9.MalformedDataException} first.
 */
package sn9;
