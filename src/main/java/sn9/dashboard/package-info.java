/**
 * The operator's page: what miners learned, what a validator made of it and what the chain holds, as one HTML file that
 * needs nothing else. Everything it shows is read from files of others and taken for hostile. May import {@code metrics}
 * only; reads the validator's database through SQL, never writing. Read {@link sn9.dashboard.Snapshot} first.
 */
package sn9.dashboard;
