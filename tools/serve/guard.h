/** Protects digits-serve from requests that a browser makes for other sites' pages. */
#ifndef DG_SERVE_GUARD_H
#define DG_SERVE_GUARD_H

#include <stdbool.h>

/**
 * Does the header Host name the server by an address or as localhost? The owner of any other name
 * could point it here, to read the answers with his own page (DNS rebinding).
 */
bool guard_host(const char *host);

/** Does the request come from our page, or from no page? `origin`: the header; NULL: none. */
bool guard_origin(const char *origin, const char *host);

/** Is a listen address reachable from this machine alone? NULL, the default, is. */
bool guard_local(const char *address);

#endif
