/* Files as people bring them: bad pictures among good ones, byte order marks, QMNIST's labels,
   pipes, small sets. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/common/canvas.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define PREDICT PROGRAM("digits-predict") "--backend cpu "
#define TRAIN RUN "--backend cpu --epochs 1 --set data.validation=0 --set train.keep=last "
#define WEIGHTS WEIGHTS_OF_ZOO "cnn.safetensors "
#define MARK "printf '\\357\\273\\277'"

enum { SIDE = 8, CLASSES = 2, PICTURES = 12 };

/* ---- making -------------------------------------------------------------- */

static void write_pictures(void) {
  char name[40];
  ck_assert_int_eq(shell("mkdir -p pics/a pics/b lost/a lost/b fifo/a fifo/b"), 0);
  for (int i = 0; i < CLASSES * PICTURES; i++) {
    dg_picture p = {SIDE, SIDE, calloc(1, SIDE * SIDE)};
    ck_assert_ptr_nonnull(p.pixels);
    p.pixels[i] = 255;
    snprintf(name, sizeof name, "pics/%c/%02d.png", "ab"[i % 2], i);
    canvas_write_png(&p, shell_path(name));
    dg_picture_free(&p);
  }
  shell_check("cp pics/a/*.png lost/a; echo > lost/b/x.png; cp pics/a/*.png fifo/a; "
              "cp pics/b/*.png fifo/b; mkfifo fifo/b/x.png; "
              "printf 'BM  ' > pics/a/00x.jpg; head -c 60 pics/b/01.png > pics/b/99.png",
              0, "");
}

static void write_texts(void) {
  static const char *const making[] = {
      "seq -f 'name%.0f' 0 9 > plain; { " MARK "; cat plain; } > marked",
      "sed 's/$/\\r/' plain > crlf; printf '\\377\\376n\\0' > wide; printf 'n\\0a\\0' > wider",
      "{ echo label,p0,p1,p2,p3; for i in 0 1 2 3 4 5 6 7 8 9; do echo $i,0,1,2,$i; done; } > "
      "t.csv",
      "cut -d, -f2- t.csv > u.csv; { " MARK "; cat t.csv; } > tm.csv; { " MARK "; cat u.csv; } > "
      "um.csv; sed 's/$/\\r/' t.csv > tr.csv; gzip -k t.csv; printf '\\377\\376l\\0' > tw.csv; "
      "printf 'l\\0a\\0' > tv.csv; : > te.csv",
      "{ " MARK "; cat " MODELS "vanilla.cfg; } > marked.cfg",
      "sed 's/$/\\r/' " MODELS "vanilla.cfg > crlf.cfg; mkfifo pipe",
  };
  for (size_t i = 0; i < sizeof making / sizeof *making; i++) shell_check(making[i], 0, "");
}

/** Writes labels as rows of QMNIST, or as other whole numbers: of the classes i % 10. */
static void write_labels(const char *name, unsigned type, unsigned columns, uint32_t count,
                         bool gzip) {
  const unsigned size = type == 0x0c ? 4 : type == 0x0b ? 2 : 1;
  uint8_t head[12] = {
      0, 0, (uint8_t)type,   columns > 1 ? 2 : 1, 0, 0, (uint8_t)(count >> 8), (uint8_t)count, 0,
      0, 0, (uint8_t)columns};
  gzFile file = gzopen(shell_path(name), gzip ? "wb" : "wbT");
  ck_assert_ptr_nonnull(file);
  gzwrite(file, head, columns > 1 ? 12 : 8);
  for (uint32_t i = 0; i < count * columns; i++) {
    const uint8_t value = (uint8_t)(i % columns ? 200 + i : i / columns % 10);
    const uint8_t bytes[4] = {0, 0, 0, value};
    gzwrite(file, bytes + 4 - size, size);
  }
  ck_assert_int_eq(gzclose(file), Z_OK);
}

static void write_qmnist(void) {
  shell_check("for f in q r s x y; do mkdir $f; done; "
              "cp train-images-idx3-ubyte q/qmnist-train-images-idx3-ubyte; "
              "gzip < t10k-images-idx3-ubyte > q/qmnist-test-images-idx3-ubyte.gz; "
              "for f in r s x y; do cp *-images-idx3-ubyte $f; done",
              0, "");
  write_labels("q/qmnist-train-labels-idx2-int", 0x0c, 8, 300, false);
  write_labels("q/qmnist-test-labels-idx2-int.gz", 0x0c, 8, 100, true);
  write_labels("r/train-labels-idx1-ubyte", 0x0c, 1, 300, false);
  write_labels("r/t10k-labels-idx1-ubyte.gz", 0x0b, 1, 100, true);
  write_labels("s/train-labels-idx1-ubyte", 0x09, 1, 300, false);
  write_labels("s/t10k-labels-idx2-int", 0x0c, 8, 100, false);
  write_labels("x/train-labels-idx2-int", 0x0c, 10, 300, false);
  write_labels("y/train-labels-idx1-ubyte", 0x0d, 1, 300, false);
}

/* ---- what follows -------------------------------------------------------- */

#define LEFT_OUT "; --skip-bad N leaves out up to N pictures that can't be read\n"

static const shell_line lines[] = {
    {DATA "--data pics stats", 2,
     "pics/a/00x.jpg: a BMP file, which is not read; save it as PNG or JPEG" LEFT_OUT},
    {DATA "--data pics --skip-bad 1 stats", 2, "(1 others were left out)" LEFT_OUT},
    {DATA "--data pics --skip-bad 2 stats", 0, "digits-data: note: pics/a/00x.jpg: a BMP file"},
    {DATA "--data pics --skip-bad 2 stats", 0, "digits-data: note: pics/b/99.png: damaged PNG"},
    {DATA "--data pics --skip-bad 2 stats", 0, "0                  11          1  a\n"},
    {DATA "--data pics --skip-bad 2 stats", 0, "1                  12          0  b\n"},
    {DATA "--data lost --skip-bad 9 stats", 2, "lost/b: none of its pictures can be read"},
    {TRAIN "--data pics --set input=[1,8,8] vanilla", 2, LEFT_OUT},
    {TRAIN "--data pics --set input=[1,8,8] --skip-bad 3 vanilla", 0, "pics: 23 to train"},
    {BENCH "--backend cpu --data pics --set input=[1,8,8] --measure losses --rounds 1 vanilla", 2,
     LEFT_OUT},
    {BENCH "--backend cpu --data pics --set input=[1,8,8] --skip-bad 2 --measure losses --rounds 1 "
           "--steps 2 vanilla",
     0, "note: pics/b/99.png"},
    {"timeout 20 " DATA "--data fifo stats", 2, "fifo/b/x.png: expected a file, found a pipe"},
    {"timeout 20 " DATA "--data fifo --skip-bad 1 stats", 0, "note: fifo/b/x.png: expected"},

    {"for f in plain marked crlf; do " DATA "--data . --classes $f stats > out.$f; done; "
     "cmp out.plain out.marked && cmp out.plain out.crlf && cat out.marked",
     0, "  name0\n"},
    {DATA "--data . --classes wide stats", 2,
     "wide: the text is UTF-16 or UTF-32; save it as UTF-8"},
    {DATA "--data . --classes wider stats", 2, "wider: the text is UTF-16 or UTF-32"},
    {"cp marked classes.txt; " DATA "--data . stats > out.here; rm classes.txt; "
     "cmp out.here out.plain",
     0, ""},
    {"for f in t.csv tm.csv tr.csv t.csv.gz; do " DATA "--data $f stats | tail -n +2 > out.$f; "
     "done; cmp out.t.csv out.tm.csv && cmp out.t.csv out.tr.csv && cmp out.t.csv out.t.csv.gz && "
     "cat out.tm.csv",
     0, "9 "},
    {DATA "--data um.csv stats", 2, "um.csv:1: no column `label` is first"},
    {DATA "--data tw.csv stats", 2, "tw.csv: the text is UTF-16 or UTF-32; save it as UTF-8"},
    {DATA "--data tv.csv stats", 2, "tv.csv: the text is UTF-16 or UTF-32"},
    {DATA "--data te.csv stats", 2, "te.csv:1: it is empty"},
    {RUN "--describe ./marked.cfg", 0, "vanilla: input"},
    {RUN "--describe ./crlf.cfg", 0, "vanilla: input"},
    {"cp wide wide.cfg; " RUN "--describe ./wide.cfg", 2, "the text is UTF-16 or UTF-32"},

    {"cat t.csv | timeout 20 " DATA "--data /dev/stdin stats | tail -n +2 | cmp - out.t.csv", 0,
     ""},
    {"cat t.csv.gz | timeout 20 " DATA "--data /dev/stdin stats | tail -n +2 | cmp - out.t.csv", 0,
     ""},
    {"cat t.csv > pipe & timeout 20 " DATA "--data pipe stats | tail -n +2 | cmp - out.t.csv", 0,
     ""},
    {"cat t.csv | " TRAIN "--data /dev/stdin --set input=[1,2,2] vanilla", 0, "9 to train"},
    {"cat plain | timeout 20 " DATA "--data . --classes /dev/stdin stats | cmp - out.plain", 0, ""},
    {DATA "--data . sheet --count 1 --scale 8 one.png && " PREDICT WEIGHTS "one.png > right; "
          "cat one.png | timeout 20 " PREDICT WEIGHTS
          "/dev/stdin > got; sed 's:/dev/stdin:one.png:' got "
          "| cmp - right",
     0, ""},
    {"(cat one.png > pipe) & timeout 20 " PREDICT WEIGHTS "pipe | sed 's:pipe:one.png:' | "
     "cmp - right",
     0, ""},
    {"cp u.csv v.csv; cat u.csv | " PREDICT "--submission s.csv " WEIGHTS "/dev/stdin", 2,
     "its images are of 2x2"},
    {"yes | head -c 2000000 | timeout 20 " DATA "--data . --classes /dev/stdin stats", 2,
     "/dev/stdin: more than 1048576 bytes come out of this pipe"},
    {"echo | timeout 20 env TMPDIR=/nowhere " DATA "--data /dev/stdin stats", 1,
     "set TMPDIR to a folder that can be written"},
    {"timeout 20 " DATA "--data /dev/null stats", 2, "expected a file, found a pipe or device"},
    {"timeout 20 " DATA "--data /dev/zero stats", 2, "expected a file, found a pipe or device"},

    {DATA "--data q stats", 0, "q: images of 28x28\n"},
    {DATA "--data q stats", 0, "\n7                  30         10\n"},
    {DATA "--data r stats", 0, "\n7                  30         10\n"},
    {DATA "--data s stats", 0, "\n0                  30         10\n"},
    {DATA "--data x stats", 2,
     "x/train-labels-idx2-int: field dimension 2: rows of 10 numbers; the labels of QMNIST have 8"},
    {DATA "--data y stats", 2, "field type: 0x0d is no type of whole numbers"},
    {"cp s/* y; printf '\\1\\14\\0\\0' | dd of=y/train-labels-idx1-ubyte conv=notrunc 2> "
     "/dev/null; " DATA "--data y stats",
     2, "its numbers begin with their low bytes"},
    {"cp r/* y; printf '\\0\\0\\1\\0' | dd of=y/train-labels-idx1-ubyte bs=1 seek=12 conv=notrunc "
     "2> /dev/null; " DATA "--data y stats",
     2, "y/train-labels-idx1-ubyte: label 1 is 256; labels go from 0 to 255"},
    {"printf '\\377\\377\\377\\377' | dd of=y/train-labels-idx1-ubyte bs=1 seek=12 conv=notrunc "
     "2> /dev/null; " DATA "--data y stats",
     2, "label 1 is -1;"},
    {DATA "--data q sheet q/qmnist-test-images-idx3-ubyte.gz", 2, "would write over"},

    {RUN "--backend cpu --epochs 1 --data . cnn", 0, ": 240 to train, 60 to validate, 100 to test"},
    {RUN "--backend cpu --epochs 1 --data . cnn", 0,
     "digits-run: note: 60 of the 300 training samples are set aside for validation: the share "
     "that "
     "the recipe sets aside, 12000 of 60000\n"},
    {RUN "--backend cpu --epochs 1 --data . --set train.steps=2 numpy-cnn", 0, "50 to validate"},
    {RUN "--backend cpu --epochs 1 --data . --set data.validation=12000 cnn", 2,
     "data.validation = 12000 leaves nothing of 300 samples to train on; make it smaller; --set "
     "sets "
     "it\n"},
    {RUN "--backend cpu --epochs 1 --data . --set data.validation=299 cnn", 0,
     ": 1 to train, 299 to validate"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

int main(void) {
  if (!shell_open()) return EXIT_FAILURE;
  TCase *tests = tcase_create("brought");
  tcase_set_timeout(tests, 0);
  tcase_add_unchecked_fixture(tests, write_pictures, NULL);
  tcase_add_unchecked_fixture(tests, write_texts, NULL);
  tcase_add_unchecked_fixture(tests, write_qmnist, NULL);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("brought", tests);
  shell_close();
  return status;
}
