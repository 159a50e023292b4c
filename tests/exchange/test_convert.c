/* digits-convert as a user meets it: files of other programs, names, mappings, what it refuses. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define GOLDEN "\"$DIGITS_TEST_SOURCE\"/tests/exchange/data/"

/* ---- files of other programs -------------------------------------------- */

/** Their folder, what follows the network's name, and options. */
static const char *const forms[][3] = {
    {"pytorch", ".pth", ""},       {"pytorch", ".checkpoint.pt", ""},
    {"numpy", ".npz", ""},         {"numpy", ".fortran.npz", ""},
    {"numpy", ".unnamed.npz", ""}, {"numpy", ".get_weights.npz", "--layout keras"},
    {"hdf5", ".plain.h5", ""},     {"hdf5", ".keras2.h5", ""},
    {"hdf5", ".keras3.h5", ""},    {"hdf5", ".weights.h5", ""},
};
static const char *const networks[] = {"image", "sequence"};
enum { FORMS = sizeof forms / sizeof *forms, NETWORKS = 2 };

/** Every form of the same weights becomes the same file. */
START_TEST(all_forms_become_one) {
  const char *network = networks[_i / FORMS], *const *form = forms[_i % FORMS];
  char command[1500];
  snprintf(command, sizeof command,
           CONVERT "--quiet --model " GOLDEN "%s.cfg " GOLDEN
                   "%s.safetensors want.safetensors && " CONVERT "%s --model " GOLDEN
                   "%s.cfg " GOLDEN "%s/%s%s got.safetensors && "
                   "cmp want.safetensors got.safetensors && echo same",
           network, network, form[2], network, form[0], network, form[1]);
  shell_check(command, 0, "got.safetensors: written\nsame\n");
}
END_TEST

/* ---- there and back ----------------------------------------------------- */

#define IMAGE "--model " GOLDEN "image.cfg "
#define READ_IMAGE CONVERT "--quiet " IMAGE GOLDEN "pytorch/image.pth w.safetensors && "

/* p, q, r and out are linear layers; q and r have the same shape */
#define MODEL(file, p, q, r)                                                                       \
  "printf 'name = \"m\"; input = [1, 28, 28]; layers = ({ type = \"flatten\"; }, "                 \
  "{ type = \"linear\"; name = \"" p "\"; units = 6; }, "                                          \
  "{ type = \"linear\"; name = \"" q "\"; units = 6; }, "                                          \
  "{ type = \"linear\"; name = \"" r "\"; units = 6; }, "                                          \
  "{ type = \"linear\"; name = \"out\"; units = 10; }); loss = \"cross_entropy\"; "                \
  "train = { epochs = 1; batch = 50; optimizer = { type = \"sgd\"; lr = 0.1; }; };' > " file       \
  " && "
#define TRAINED(p, q, r)                                                                           \
  MODEL("a.cfg", p, q, r) RUN "--quiet --backend cpu --data . --save a.safetensors ./a.cfg && "
#define TO_UVW MODEL("b.cfg", "u", "v", "w") CONVERT "--model ./b.cfg "

static const shell_line lines[] = {
    {CONVERT "--help", 0, "Usage: digits-convert [options] INPUT OUTPUT"},
    {CONVERT "--version", 0, "digits-convert 0.1.0"},
    {CONVERT, 2, "give one INPUT and one OUTPUT, not 0 words"},
    {CONVERT "a b c", 2, "give one INPUT and one OUTPUT, not 3 words"},
    {CONVERT "--bogus a b", 2, "unknown option --bogus"},
    {CONVERT "--map x a b", 2, "--map needs THEIRS=OURS, not \"x\""},
    {CONVERT "a.x b.npz", 2,
     "a.x: its extension names no format; there are safetensors, pytorch, hdf5, keras, npz; "
     "--from "},
    {CONVERT "a.npz b.x", 2,
     "b.x: its extension names no format; there are safetensors, npz, onnx; --from names that of "
     "INPUT, --to that of OUTPUT"},
    {CONVERT "a.npz b.pth", 2, "b.pth: pytorch is not written; what is: safetensors, npz, onnx"},
    {"printf 'a,b,label\\n1,4,0\\n2,5,1\\n3,6,0\\n' > t.csv; "
     "\"$DIGITS_TEST_TOOLS\"/digits-run --backend cpu --data t.csv --set input=[2] "
     "--set out.units=2 --set data.validation=0 --set train.keep=last --epochs 1 --quiet "
     "--save t.safetensors table > t.log; " CONVERT "t.safetensors t.onnx",
     2, "t.onnx: a mean or std for each channel can't be written to ONNX"},
    {"printf '1\\t1\\tNaN\\n2\\t1\\t2\\n' | tee s_TRAIN.tsv > s_TEST.tsv; printf 'name = \"s\"; "
     "input = "
     "[2, 1]; lengths = true; layers = ({ type = \"flatten\"; }, { type = \"linear\"; name = "
     "\"out\"; units = 2; });' > s.cfg; \"$DIGITS_TEST_TOOLS\"/digits-run --backend cpu --data "
     "s_TRAIN.tsv --epochs 1 --quiet --save s.safetensors ./s.cfg > s.log; " CONVERT
     "s.safetensors s.onnx",
     2, "s.onnx: a network with lengths = true can't be written to ONNX"},
    {CONVERT "a.onnx b.npz", 2, "a.onnx: onnx is not read; what is: safetensors, pytorch, hdf5"},
    {CONVERT "--from zip a b.npz", 2, "unknown format \"zip\"; there are safetensors, pytorch"},
    {CONVERT "none.npz b.npz", 2, "none.npz: No such file"},
    {CONVERT ". b.npz --from npz", 2, ".: expected a file, found a folder"},
    {CONVERT "--model cnm a.npz b.npz", 2, "did you mean \"cnn\"?"},
    {CONVERT GOLDEN "pytorch/image.pth w.npz", 2, "carries no model; name one with --model"},
    {CONVERT "--layout x " IMAGE GOLDEN "numpy/image.npz w.npz", 2, "unknown layout \"x\""},
    {CONVERT IMAGE GOLDEN "numpy/image.npz no/w.npz", 1, "no/w.npz can't be written: No such file"},
    {CONVERT IMAGE GOLDEN "numpy/image.npz no/w.onnx", 1,
     "no/w.onnx can't be written: No such file"},
    {"cp " GOLDEN "numpy/image.npz x && " CONVERT "--from npz --to safetensors " IMAGE "x y", 0,
     "conv1.weight                     <- conv1.weight                     (same name)"},
    /* there and back */
    {READ_IMAGE CONVERT "w.safetensors w.npz && " CONVERT "w.npz v.safetensors && "
                        "cmp w.safetensors v.safetensors && echo same",
     0, "same"},
    {READ_IMAGE CONVERT "--model w.safetensors " GOLDEN "hdf5/image.keras2.h5 v.safetensors && "
                        "cmp w.safetensors v.safetensors && echo same",
     0, "same"},
    {READ_IMAGE CONVERT "--quiet w.safetensors w.onnx && " CONVERT
                        "--quiet w.safetensors v.onnx && "
                        "cmp w.onnx v.onnx && grep -q logits w.onnx && echo same",
     0, "same"},
    {CONVERT "--quiet --model cnn " GOLDEN "pytorch/image.pth w.npz", 2,
     "image.pth: \"conv1.weight\" has the "
     "shape [2, 1, 3, 3], but the network's \"conv1.weight\" is [16, 1, 3, 3]"},
    {RUN "--test --load " GOLDEN "pytorch/image.pth", 2,
     "image.pth is a zip file, as PyTorch, Keras and numpy write "
     "them, not a safetensors file: digits-convert makes one of its weights"},
    {RUN "--test --load " GOLDEN "hdf5/image.plain.h5", 2, "is an HDF5 file, as Keras writes them"},
    {"printf '\\200\\2\\212\\12' > old.pth && " RUN "--test --load old.pth", 2,
     "old.pth is a pickle, as PyTorch wrote them before 1.6"},
    /* HDF5 */
    {CONVERT IMAGE GOLDEN "hdf5/missing_layer.h5 w.npz", 2,
     "missing_layer.h5: \"conv1\" can't be read"},
    {CONVERT IMAGE GOLDEN "hdf5/missing_weight.h5 w.npz", 2,
     "\"conv1/conv1/kernel:0\" can't be read"},
    {CONVERT IMAGE GOLDEN "hdf5/elsewhere.h5 w.npz", 2, "\"conv1/weight\" lies in another file"},
    {CONVERT IMAGE GOLDEN "hdf5/circle.h5 w.npz", 2, "\"a/b\" is a group that holds itself"},
    /* whose orders */
    {CONVERT "--layout pytorch " IMAGE GOLDEN "hdf5/image.keras2.h5 w.npz", 2,
     "\"conv1\" has nothing for \"conv1.weight\""},
    {CONVERT "--layout keras " IMAGE GOLDEN "numpy/image.npz w.npz", 2,
     "\"conv1.weight\" has the shape [2, 1, 3, 3], but the network's \"conv1.weight\" would be "
     "[3, 3, 1, 2]"},
    {"sed 's/reset = \"before\"/reset = \"after\"/' " GOLDEN "sequence.cfg > s.cfg && " CONVERT
     "--model ./s.cfg " GOLDEN "hdf5/sequence.keras2.h5 w.npz",
     2,
     "is of a GRU with reset_after = False: the model's layer \"before\" needs reset = \"before\""},
    {"sed '/\"after\"/s/3;/3; reset = \"before\";/' " GOLDEN "sequence.cfg > s.cfg && " CONVERT
     "--model ./s.cfg " GOLDEN "hdf5/sequence.keras2.h5 w.npz",
     2, "is of a GRU with reset_after = True: the model's layer \"after\" needs reset = \"after\""},
    /* mappings */
    {TRAINED("p", "q", "r") TO_UVW "a.safetensors b.safetensors", 2,
     "a.safetensors: the network's layer \"v\" (linear) could be any of \"q\", \"r\"; say which, "
     "such as "
     "q=v"},
    {TRAINED("p", "q", "r") TO_UVW "--map q=v a.safetensors b.safetensors", 0,
     "w.weight                         <- r.weight                         (by order and shape)"},
    {TRAINED("p", "q", "r") TO_UVW "--map q=w a.safetensors b.safetensors", 0,
     "v.weight                         <- r.weight                         (by order and shape)"},
    {TRAINED("p", "q", "r") TO_UVW
     "--map q.weight=w.weight --map q.bias=w.bias a.safetensors b.npz",
     0, "b.npz: written"},
    {TRAINED("p", "f10", "f9") TO_UVW "a.safetensors b.safetensors", 0,
     "v.weight                         <- f9.weight                        (by order and shape)"},
    {TRAINED("p", "q", "r") CONVERT "--quiet a.safetensors a.npz && " TO_UVW "a.npz b.safetensors",
     0,
     "w.weight                         <- r.weight                         (by order and shape)"},
    {TRAINED("p", "q", "r") TO_UVW "--map q= a.safetensors b.npz", 2,
     "nothing fits the network's layer \"w\" (linear, \"w.weight\" is [6, 6])"},
    {TRAINED("p", "q", "r") TO_UVW "--map s=v a.safetensors b.npz", 2,
     "a.safetensors has no tensor or layer \"s\""},
    {TRAINED("p", "q", "r") TO_UVW "--map q.wieght=v.weight a.safetensors b.npz", 2,
     "did you mean \"q.weight\"?"},
    {TRAINED("p", "q", "r") TO_UVW "--model vanilla a.safetensors b.npz", 2,
     "\"out.weight\" has the shape [10, 6], but the network's \"out.weight\" is [10, 100]"},
    {READ_IMAGE "sed '/tanh/d; /\"out\"/d; s/\"fc1\"; units = 4; },/\"fc1\"; units = 4; }/' " GOLDEN
                "image.cfg > s.cfg && " CONVERT "--model ./s.cfg w.safetensors s.npz",
     2, "the network has no place for \"out\"; out= leaves it out"},
    {"sed '/tanh/d; /\"out\"/d; s/\"fc1\"; units = 4; },/\"fc1\"; units = 4; }/' " GOLDEN
     "image.cfg > s.cfg && " CONVERT "--map out= --model ./s.cfg " GOLDEN "pytorch/image.pth s.npz",
     0, "-                                <- out.weight                       (as was said)"},
    {"sed '/\"out\"/i { type = \"linear\"; name = \"fc2\"; units = 4; },' " GOLDEN
     "image.cfg > s.cfg && " CONVERT "--model ./s.cfg " GOLDEN "numpy/image.unnamed.npz s.npz",
     2, "they are 12 where the network needs 14: it has to be said which tensor is which; --map"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

int main(void) {
  if (!shell_open()) return 1;
  TCase *tests = tcase_create("convert");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, all_forms_become_one, 0, FORMS * NETWORKS);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("convert", tests);
  shell_close();
  return status;
}
