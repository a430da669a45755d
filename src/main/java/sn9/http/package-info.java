/**
 * HTTP for the rooms that talk to the outside: one configured client with time limits, repeats, redirects that never carry
 * a token to another host, and bodies bounded before they are read. The only user of OkHttp; its types stay inside. May
 * import nothing else of ours. Read {@link sn9.http.Http} first.
 */
package sn9.http;
