/* Who has to go where many come to digits-serve, and the token that it may ask for. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/common/suite.h"
#include "tools/serve/guard.h"
#include "tools/serve/limiter.h"
#include "tools/serve/token.h"

/** A connection: the server's end and the client's. */
typedef struct {
  int server, client;
  peer *peer;
} line;

static limiter *all;

static void open_connections(void) {
  dg_error err = {0};
  all = limiter_open(&err);
  ck_assert_msg(all != NULL, "%s", err.message);
}

static void close_connections(void) {
  limiter_close(all);
}

/** A client comes from an address of IPv4 or IPv6. */
static line come(const char *from) {
  int ends[2];
  union {
    struct sockaddr any;
    struct sockaddr_in old;
    struct sockaddr_in6 new;
  } address = {.any.sa_family = strchr(from, ':') ? AF_INET6 : AF_INET};
  bool old = address.any.sa_family == AF_INET;
  void *place = old ? (void *)&address.old.sin_addr : (void *)&address.new.sin6_addr;
  ck_assert_int_eq(inet_pton(address.any.sa_family, from, place), 1);
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  line l = {ends[0], ends[1], limiter_enter(all, ends[0], &address.any)};
  ck_assert_ptr_nonnull(l.peer);
  return l;
}

static bool is_ended(const line *l) {
  char byte;
  return recv(l->client, &byte, 1, MSG_DONTWAIT) == 0;
}

static void go(line *l) {
  limiter_leave(l->peer);
  close(l->server);
  close(l->client);
}

static void go_all(line *lines, int count) {
  for (int i = 0; i < count; i++) go(&lines[i]);
}

START_TEST(the_oldest_of_the_most_goes) {
  enum { COUNT = LIMITER_CONNECTIONS + 2 };
  line lines[COUNT];
  for (int i = 0; i < 3; i++) lines[i] = come("10.0.0.1");
  for (int i = 3; i < LIMITER_CONNECTIONS; i++) lines[i] = come("10.0.0.2");
  for (int i = 0; i < LIMITER_CONNECTIONS; i++) ck_assert(!is_ended(&lines[i]));
  lines[LIMITER_CONNECTIONS] = come("10.0.0.3");
  limiter_restart(lines[4].peer);
  lines[LIMITER_CONNECTIONS + 1] = come("10.0.0.3");
  for (int i = 0; i < COUNT; i++) ck_assert_msg(is_ended(&lines[i]) == (i == 3 || i == 5), "%d", i);
  go_all(lines, COUNT);
}
END_TEST

/** Answers of two addresses are counted together, or apart. */
START_TEST(a_site_counts_as_one) {
  static const struct {
    const char *one, *other;
    bool together;
  } pairs[] = {{"2001:db8:1:2::1", "2001:db8:1:2:a:b:c:d", true},
               {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
               {"fe80::1", "fe80::2", false},
               {"::ffff:10.0.0.1", "10.0.0.1", true},
               {"::ffff:10.0.0.1", "::ffff:10.0.0.2", false},
               {"::1", "127.0.0.2", true}};
  line lines[LIMITER_ANSWERS_OF_ONE + 1];
  for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
    for (int i = 0; i < LIMITER_ANSWERS_OF_ONE; i++) {
      lines[i] = come(pairs[p].one);
      ck_assert(limiter_begin_answer(lines[i].peer));
    }
    lines[LIMITER_ANSWERS_OF_ONE] = come(pairs[p].other);
    ck_assert_msg(limiter_begin_answer(lines[LIMITER_ANSWERS_OF_ONE].peer) != pairs[p].together,
                  "%s and %s", pairs[p].one, pairs[p].other);
    go_all(lines, LIMITER_ANSWERS_OF_ONE + 1);
  }
}
END_TEST

START_TEST(nobody_goes_during_an_answer) {
  enum { COUNT = LIMITER_CONNECTIONS + 1 };
  line lines[COUNT];
  for (int i = 0; i < COUNT; i++) {
    if (i == COUNT - 1) ck_assert(limiter_begin_answer(lines[0].peer));
    lines[i] = come(i % 2 ? "127.0.0.1" : "127.9.9.9"); /* one machine: this */
  }
  for (int i = 0; i < COUNT; i++) ck_assert_msg(is_ended(&lines[i]) == (i == 1), "%d", i);
  go_all(lines, COUNT);
}
END_TEST

START_TEST(answers_are_shared) {
  static const char *const from[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"};
  enum { ADDRESSES = 5, OF_ONE = LIMITER_ANSWERS_OF_ONE + 1, COUNT = ADDRESSES * OF_ONE };
  line lines[COUNT];
  int begun[ADDRESSES] = {0};
  for (int i = 0; i < COUNT; i++) {
    lines[i] = come(from[i / OF_ONE]);
    begun[i / OF_ONE] += limiter_begin_answer(lines[i].peer);
  }
  for (int i = 0; i < ADDRESSES; i++)
    ck_assert_int_eq(begun[i],
                     i < LIMITER_ANSWERS / LIMITER_ANSWERS_OF_ONE ? LIMITER_ANSWERS_OF_ONE : 0);
  limiter_end_answer(lines[0].peer);
  ck_assert(limiter_begin_answer(lines[COUNT - 1].peer));
  limiter_end_answer(lines[1].peer);
  limiter_end(all);
  ck_assert(!limiter_begin_answer(lines[0].peer));
  go_all(lines, COUNT);
}
END_TEST

START_TEST(who_is_slow_goes) {
  line slow = come("10.0.0.1"), busy = come("10.0.0.1");
  ck_assert(limiter_begin_answer(busy.peer));
  time_t begin = time(NULL);
  while (!is_ended(&slow) && time(NULL) - begin < 60)
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  ck_assert(is_ended(&slow));
  ck_assert_int_ge(time(NULL) - begin, LIMITER_SECONDS - 1);
  ck_assert(!is_ended(&busy));
  go(&slow);
  go(&busy);
}
END_TEST

/* ---- the token ---------------------------------------------------------- */

START_TEST(tokens_are_long_and_plain) {
  static const char *const wrong[] = {"",
                                      "short",
                                      "fifteen-letters",
                                      "with a blank in it",
                                      "0123456789abcde\n",
                                      "0123456789abcdef&"};
  char token[TOKEN_SIZE], other[TOKEN_SIZE], long_one[TOKEN_MAX + 2];
  dg_error err = {0};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    ck_assert_msg(!token_take(wrong[i], "test", token, &err), "%s", wrong[i]);
  ck_assert_ptr_nonnull(strstr(err.message, "test: a token is 16 to 128 letters"));
  memset(long_one, 'a', sizeof long_one);
  long_one[TOKEN_MAX + 1] = '\0';
  ck_assert(!token_take(long_one, "test", token, &err));
  ck_assert(token_take(long_one + 1, "test", token, &err));
  ck_assert(token_make(token, &err) && token_make(other, &err));
  ck_assert_uint_eq(strlen(token), 32);
  ck_assert(token_take(token, "test", token, &err) && strcmp(token, other) != 0);
}
END_TEST

START_TEST(a_token_is_compared_as_a_whole) {
  static const char token[] = "0123456789abcdef";
  ck_assert(token_is(token, "0123456789abcdef"));
  static const char *const wrong[] = {"",
                                      "0123456789abcde",
                                      "0123456789abcdeg",
                                      "1123456789abcdef",
                                      "0123456789abcdef0123456789abcdef",
                                      "0123456789abcdef0"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    ck_assert_msg(!token_is(token, wrong[i]), "%s", wrong[i]);
}
END_TEST

START_TEST(addresses_of_this_machine_alone) {
  static const char *const local[] = {NULL, "127.0.0.1", "127.1.2.3", "::1"};
  static const char *const others[] = {"0.0.0.0",   "::", "192.168.1.5", "128.0.0.1", "fe80::1",
                                       "localhost", ""};
  for (size_t i = 0; i < sizeof local / sizeof *local; i++) ck_assert(guard_local(local[i]));
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) ck_assert(!guard_local(others[i]));
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("connections");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, open_connections, close_connections);
  tcase_add_test(tests, the_oldest_of_the_most_goes);
  tcase_add_test(tests, a_site_counts_as_one);
  tcase_add_test(tests, nobody_goes_during_an_answer);
  tcase_add_test(tests, answers_are_shared);
  tcase_add_test(tests, who_is_slow_goes);
  tcase_add_test(tests, tokens_are_long_and_plain);
  tcase_add_test(tests, a_token_is_compared_as_a_whole);
  tcase_add_test(tests, addresses_of_this_machine_alone);
  return suite_main("connections", tests);
}
