/* What goes wrong around digits-run: files that are none, full disks, signals, closed outputs. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define TRAIN RUN "--backend cpu --data . "
#define VANILLA MODELS "vanilla.cfg"
#define COPY_SET "rm -rf bad && mkdir bad && cp t*-ubyte bad && "
#define PUT(bytes, place, file) "printf '" bytes "' | dd bs=1 conv=notrunc seek=" place " of=" file
#define BAD_DATA RUN "--backend cpu --data bad --epochs 1 " VANILLA

/** Weights whose header, of `length` bytes, is this. */
#define WEIGHTS(length, header) "printf '" length "\\0\\0\\0\\0\\0\\0%s' '" header "' > w && "
#define WITH_MODEL(length, model)                                                                  \
  WEIGHTS(length, "{\"__metadata__\":{\"digits.model\":\"" model "\"}}") TRAIN "--test --load w"

static const shell_line lines[] = {
    /* what is no model file */
    {": > m && " TRAIN "./m", 2, "./m: the model needs the key \"name\""},
    {"mkdir d && " TRAIN "./d", 2, "./d: expected a file, found a folder"},
    {"mkfifo p && timeout 20 " TRAIN "./p", 2, "./p: it is a pipe that nobody writes to"},
    {"truncate -s 1G m && " TRAIN "./m; s=$?; rm m; exit $s", 2, "./m: 1073741824 bytes are too"},
    {"printf 'name = \"\\0\";' > m && " TRAIN "./m", 2, "./m: this is no text: it holds binary"},
    {"{ printf '\\357\\273\\277'; cat " VANILLA "; } > m && " TRAIN "--epochs 1 ./m", 0,
     "79510 parameters"},
    {"sed 's/$/\\r/' " VANILLA " > m && " TRAIN "--epochs 1 ./m", 0, "79510 parameters"},
    {"{ echo 'layers = '; yes '(' | head -n 100000; } > m && " TRAIN "./m", 2, "./m:"},
    /* what is no weight file */
    {TRAIN "--test --load d", 2, "d: expected a file, found a folder"},
    {"timeout 20 " TRAIN "--test --load p", 2, "p: it is a pipe that nobody writes to"},
    {": > w && " TRAIN "--test --load w", 2, "w: not a sound safetensors file: the file is empty"},
    {"head -c 9 /dev/zero > w && " TRAIN "--test --load w", 2, "it is cut, or no weight file"},
    {WEIGHTS("\\2\\0", "{}") TRAIN "--test --load w", 2, "w: the file carries no model; name a"},
    {WITH_MODEL("\\55\\0", "name = 3;"), 2, "w (its model):1: name must be"},
    {WITH_MODEL("\\63\\0", "@include \\\"/x\\\""), 2, "w (its model):1: @include is not"},
    /* data sets */
    {COPY_SET PUT("\\310", "10", "bad/train-labels-idx1-ubyte && ") BAD_DATA, 2,
     "the last layer has 10 outputs, but the labels go to 200"},
    {COPY_SET PUT("\\15", "2", "bad/t10k-images-idx3-ubyte && ") BAD_DATA, 2,
     "bad/t10k-images-idx3-ubyte: field type: expected 0x08 (unsigned bytes), found 0x0d"},
    {COPY_SET "cp bad/train-labels-idx1-ubyte bad/train-images-idx3-ubyte && " BAD_DATA, 2,
     "bad/train-images-idx3-ubyte: field rank: expected 3 dimensions, found 1"},
    {COPY_SET "truncate -s -1 bad/train-images-idx3-ubyte && " BAD_DATA, 2,
     "bad/train-images-idx3-ubyte: field dimension 3"},
    {COPY_SET "echo >> bad/t10k-labels-idx1-ubyte && " BAD_DATA, 2,
     "bad/t10k-labels-idx1-ubyte: field data: expected 100 bytes"},
    {COPY_SET "cp bad/t10k-labels-idx1-ubyte bad/train-labels-idx1-ubyte && " BAD_DATA, 2,
     "train-labels has 100 in dimension 1, but train-images has 300"},
    {COPY_SET "rm bad/t10k-labels-idx1-ubyte && " BAD_DATA, 2, "bad: a file is missing: looked"},
    {TRAIN "--data train-labels-idx1-ubyte " VANILLA, 2,
     "train-labels-idx1-ubyte: this is no text: it holds binary data"},
    {TRAIN "--set input=[1,20,20] " VANILLA, 2, "the input is [1, 20, 20], but the images are of"},
    {"echo 'name = \"f\"; input = [1, 28, 28]; layers = ( { type = \"flatten\"; } );' > m && " TRAIN
     "./m",
     2, "./m: there is nothing to learn: no layer has parameters"},
    {TRAIN "--set data.validation=300 " VANILLA, 2, "validation = 300 leaves nothing of 300"},
    /* values */
    {TRAIN "--save '' " VANILLA, 2, "option --save needs a value"},
    {TRAIN "--device= " VANILLA, 2, "option --device needs a value"},
    {TRAIN "--set data.std=1e-300 " VANILLA, 2, "--set (data.std = 1e-300): std must be"},
    {TRAIN "--lr 1e39 " VANILLA, 2, "--lr (train.optimizer.lr = 1e39): lr must be"},
    {TRAIN "--batch 1000000000 " VANILLA, 2, "batch must be a whole number >= 1 and <= 65536"},
    {TRAIN "--batch 65536 --set fc1.units=1000000 " VANILLA, 1,
     "too many for the cpu backend; try a smaller --batch"},
    /* outputs */
    {TRAIN "--log d " VANILLA, 1, "the log d can't be written: Is a directory"},
    {"ln -s /dev/full l; " TRAIN "--save l --epochs 1 " VANILLA "; s=$?; rm l*; exit $s", 1,
     "/dev/full could not be written: No space left on device"},
    {TRAIN "--epochs 1 " VANILLA " > /dev/full", 1, "standard output could not be written"},
    {"{ timeout 60 " TRAIN "--epochs 1000000 " VANILLA
     "; echo $? > s; } | head -n 1; exit $(cat s)",
     130, "interrupted in epoch"},
};

START_TEST(each_fault_is_named) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

/** A target that can't be written is noticed before the training, not after it. */
START_TEST(targets_are_looked_at_first) {
  shell_check(TRAIN "--save none/w " VANILLA, 1, "none/w can't be written: No such file");
  ck_assert_ptr_null(strstr(shell_printed(), "epoch"));
  shell_check(TRAIN "--save d " VANILLA, 1, "d can't be written: Is a directory");
  ck_assert_ptr_null(strstr(shell_printed(), "epoch"));
}
END_TEST

/** Saves weights, then again where `limit` leaves no room for them, and shows what is there. */
#define SAVE_TWICE(limit)                                                                          \
  TRAIN "--epochs 1 --save full/w " VANILLA " > out && cp full/w old && { " limit TRAIN            \
        "--epochs 1 --seed 2 --save full/w " VANILLA                                               \
        "; s=$?; cmp old full/w && ls full; exit $s; }"

/** The old weights must stay. */
static void check_full(const char *command, const char *says) {
  shell_check("rm -rf full && mkdir full", 0, "");
  shell_check(command, 1, says);
}

START_TEST(a_file_size_limit_keeps_the_old_weights) {
#ifdef DIGITS_THREAD_SANITIZER
  printf("skipped: no program starts under the thread sanitizer with so low a limit\n");
  return;
#endif
  check_full(SAVE_TWICE("trap \"\" XFSZ; ulimit -f 100; "),
             "full/w.state could not be written: File too large; what was there is unchanged\nw\n");
}
END_TEST

/** There is room for the weights and the state of a run, but not for more: it can be resumed. */
START_TEST(a_full_disk_keeps_the_old_weights) {
#define ON_SMALL_DISK(command)                                                                     \
  "unshare -m sh -c 'mount -t tmpfs -o size=800k none full && " command "'"
  if (shell("mkdir -p full && " ON_SMALL_DISK("true")) == 0)
    check_full(
        ON_SMALL_DISK(SAVE_TWICE("")),
        " could not be written: No space left on device; what was there is unchanged; go on with "
        "--resume full/w\nw\nw.state\n");
  else
    printf("skipped: only root can mount a small disk\n");
}
END_TEST

/** What is printed to a closed output must not end up in a file that was opened since. */
START_TEST(a_closed_output_spoils_no_file) {
  shell_check(TRAIN "--epochs 1 --log log --save w " VANILLA " >&-", 1, "standard output could");
  shell_check("grep -vc '^{\"event\"' log", 1, "0\n");
  shell_check(TRAIN "--test --load w", 0, "of 100)");
  shell_check(TRAIN "--epochs 1 --log log --save w " VANILLA " <&- >&- 2>&-", 1, "");
  shell_check(TRAIN "--test --load w", 0, "of 100)");
}
END_TEST

/* ---- signals ------------------------------------------------------------ */

/** Starts a long run and waits until it has printed an epoch. $p is its process. */
#define START(prefix, options)                                                                     \
  "rm -f out; " prefix TRAIN "--epochs 1000000 " options VANILLA " > out & p=$!; " UNTIL_AN_EPOCH

static const char *const stopping[] = {"INT", "TERM", "HUP", "PIPE"};

START_TEST(a_signal_stops_it) {
  char command[1000];
  snprintf(command, sizeof command,
           "echo > kept; " START("", "--save kept ") "kill -%s $p; wait $p; s=$?; "
                                                     "[ \"$(cat kept; ls kept*; rm kept.state)\" = "
                                                     "\"$(printf '\\nkept\\nkept.state')\" ] && "
                                                     "exit $s",
           stopping[_i]);
  shell_check(command, 130, "interrupted in epoch");
  ck_assert_ptr_nonnull(strstr(shell_printed(), "go on with --resume kept\n"));
}
END_TEST

START_TEST(nohup_ignores_hangups) {
  shell_check(START("trap '' HUP; ", "") "kill -HUP $p; sleep 0.2; kill -HUP $p && echo alive; "
                                         "sleep 0.2; kill -TERM $p; wait $p",
              130, "alive\n");
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("faults");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, each_fault_is_named, 0, sizeof lines / sizeof *lines);
  tcase_add_test(tests, targets_are_looked_at_first);
  tcase_add_test(tests, a_file_size_limit_keeps_the_old_weights);
  tcase_add_test(tests, a_full_disk_keeps_the_old_weights);
  tcase_add_test(tests, a_closed_output_spoils_no_file);
  tcase_add_loop_test(tests, a_signal_stops_it, 0, sizeof stopping / sizeof *stopping);
  tcase_add_test(tests, nohup_ignores_hangups);
  int status = suite_main("faults", tests);
  shell_close();
  return status;
}
