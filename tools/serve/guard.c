#include "tools/serve/guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/** Copies NAME from NAME, NAME:PORT, [NAME] or [NAME]:PORT. */
static bool take_name(const char *host, char *name, size_t capacity) {
  bool bracketed = host[0] == '[';
  if (bracketed) host++;
  size_t length = strcspn(host, bracketed ? "]" : ":");
  const char *rest = host + length;
  if (length >= capacity || (bracketed && *rest++ != ']')) return false;
  memcpy(name, host, length);
  name[length] = '\0';
  return *rest == '\0' || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

bool guard_host(const char *host) {
  char name[INET6_ADDRSTRLEN];
  struct in_addr v4;
  struct in6_addr v6;
  if (!take_name(host, name, sizeof name)) return false;
  return host[0] == '[' ? inet_pton(AF_INET6, name, &v6) == 1
                        : strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &v4) == 1;
}

bool guard_origin(const char *origin, const char *host) {
  static const char scheme[] = "http://";
  size_t length = strlen(scheme);
  return !origin ||
         (strncmp(origin, scheme, length) == 0 && strcasecmp(origin + length, host) == 0);
}

bool guard_local(const char *address) {
  struct in_addr v4;
  struct in6_addr v6;
  if (!address) return true;
  if (inet_pton(AF_INET, address, &v4) == 1) return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
  return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
