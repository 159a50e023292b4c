#include "tests/common/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { MAX_WAIT = 30 }; /* seconds */

int http_connect(const char *address, unsigned port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connection < 0) return -1;
  const struct timeval wait = {.tv_sec = MAX_WAIT};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  if (inet_pton(AF_INET, address, &to.sin_addr) == 1 &&
      connect(connection, (struct sockaddr *)&to, sizeof to) == 0)
    return connection;
  close(connection);
  return -1;
}

bool http_send(int connection, const void *bytes, size_t size) {
  return send(connection, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

const char *http_receive(int connection) {
  static char answer[1 << 18];
  size_t length = 0;
  for (ssize_t more; (more = recv(connection, answer + length, sizeof answer - 1 - length, 0)) > 0;)
    length += (size_t)more;
  answer[length] = '\0';
  close(connection);
  return answer;
}

unsigned http_status(const char *answer) {
  unsigned status = 0;
  return sscanf(answer, "HTTP/1.1 %u ", &status) == 1 ? status : 0;
}

const char *http_body(const char *answer) {
  const char *end = strstr(answer, "\r\n\r\n");
  return end ? end + 4 : "";
}
