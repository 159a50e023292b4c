#include "tools/serve/listener.h"
#include "core/base/error.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** The error for an address and port that can't be listened on, from errno. */
static bool fail(const char *address, uint32_t port, dg_error *err) {
  if (errno == EADDRINUSE)
    return dg_fail(err, DG_ERR_RUNTIME,
                   "port %u of %s is in use; choose another one by --port N, or any that is free "
                   "by --port 0",
                   port, address);
  if (errno == EACCES)
    return dg_fail(err, DG_ERR_RUNTIME,
                   "port %u of %s is not for everyone; choose one from 1024 on by --port N", port,
                   address);
  if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)
    return dg_fail(err, DG_ERR_UNSUPPORTED,
                   "%s is no address of this machine; give one of its own to --listen", address);
  return dg_fail(err, DG_ERR_RUNTIME, "%s, port %u: can't be listened on: %s", address, port,
                 strerror(errno));
}

/** Binds a socket to a result of getaddrinfo; sets errno on failure. */
static bool bind_to(int socket, const struct addrinfo *found) {
  enum { WAITING = 64 };
  int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (found->ai_family == AF_INET6) setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  return bind(socket, found->ai_addr, found->ai_addrlen) == 0 && listen(socket, WAITING) == 0;
}

/** The port that a socket got. */
static uint32_t port_of(int socket) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(socket, (struct sockaddr *)&address, &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                             : ((struct sockaddr_in *)&address)->sin_port);
}

int listener_open(const char *address, uint32_t *port, dg_error *err) {
  char service[16];
  snprintf(service, sizeof service, "%u", *port);
  struct addrinfo how = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                         .ai_socktype = SOCK_STREAM},
                  *found;
  if (getaddrinfo(address, service, &how, &found) != 0) {
    dg_fail(err, DG_ERR_INPUT, "--listen takes an address in numbers, as 192.168.1.5, not \"%s\"",
            address);
    return -1;
  }
  int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool ok = descriptor >= 0 && bind_to(descriptor, found);
  if (ok)
    *port = port_of(descriptor);
  else
    fail(address, *port, err);
  freeaddrinfo(found);
  if (ok) return descriptor;
  if (descriptor >= 0) close(descriptor);
  return -1;
}
