#include "tools/convert/options.h"

#include <string.h>

#include "core/base/error.h"
#include "tools/common/command.h"

const char convert_options_help[] =
    "Usage: digits-convert [options] INPUT OUTPUT\n"
    "Converts weights of other programs into weights of digits, and weights of digits into files\n"
    "for other programs. Prints which tensor of INPUT became which tensor of the model.\n"
    "\n"
    "Formats, by the extension of a file\n"
    "  pytorch      read           .pth .pt      state dicts of torch.save; also .ckpt, .bin and\n"
    "                                            .pth.tar\n"
    "  hdf5         read           .h5 .hdf5     Keras's weights and models; plain HDF5\n"
    "  keras        read           .keras        Keras's models\n"
    "  npz          read, written  .npz          arrays of numpy.savez\n"
    "  safetensors  read, written  .safetensors  of digits and of others\n"
    "  onnx         written        .onnx         the whole network, for other runtimes: \"image\"\n"
    "                                            [N, channels, height, width], bytes / 255, to\n"
    "                                            \"logits\" [N, classes]\n"
    "\n"
    "Options\n"
    "  --model MODEL        name or path of the model that the weights are for, or a weight file\n"
    "                       of digits that carries it; default: the one that INPUT carries\n"
    "  --set PATH=VALUE     set any key of the model that --model names: --set norm1.eps=0.001;\n"
    "                       may be repeated\n"
    "  --strict             make it an error if settings in INPUT, such as epsilon or padding,\n"
    "                       differ from the model's; otherwise they are warnings\n"
    "  --from pytorch|hdf5|keras|npz|safetensors\n"
    "                       format of INPUT, whatever its extension\n"
    "  --to safetensors|npz|onnx\n"
    "                       format of OUTPUT, whatever its extension\n"
    "  --map THEIRS=OURS    match a layer or tensor of INPUT with one of the model:\n"
    "                       --map 0=conv1, --map W1=fc1.weight; --map THEIRS= leaves it out;\n"
    "                       --map 'A=B^T': A is our B transposed; --map 'A+B=C': our C is the\n"
    "                       sum of A and B; may be repeated\n"
    "  --key NAME           which weights of INPUT, where it holds several: those under NAME,\n"
    "                       such as ema, or averaged.model for one within the other; default:\n"
    "                       those under a usual name (state_dict, model, ...), never averaged\n"
    "                       ones\n"
    "  --layout pytorch|keras\n"
    "                       order of kernels, gates and flattened images in INPUT; default:\n"
    "                       keras if its names are Keras's, else pytorch\n"
    "  --quiet              print warnings only\n"
    "  -h, --help  --version\n"
    "\n"
    "A prefix that all names share is removed. Layers are matched by name, and the remaining\n"
    "ones by order and shape. If several matches are possible, or names suggest another order,\n"
    "an error asks for --map. Nothing in INPUT is ever executed: what a .pth file holds besides\n"
    "tensors is read past.\n"
    "\n"
    "Exit status: 0 success; 1 failure while running; 2 wrong usage or input.\n";

enum {
  OPT_MODEL = 256,
  OPT_FROM,
  OPT_TO,
  OPT_MAP,
  OPT_KEY,
  OPT_LAYOUT,
  OPT_SET,
  OPT_STRICT,
  OPT_QUIET,
  OPT_HELP,
  OPT_VERSION
};

static const struct option known[] = {
    {"model", required_argument, NULL, OPT_MODEL}, {"from", required_argument, NULL, OPT_FROM},
    {"to", required_argument, NULL, OPT_TO},       {"map", required_argument, NULL, OPT_MAP},
    {"key", required_argument, NULL, OPT_KEY},     {"layout", required_argument, NULL, OPT_LAYOUT},
    {"set", required_argument, NULL, OPT_SET},     {"strict", no_argument, NULL, OPT_STRICT},
    {"quiet", no_argument, NULL, OPT_QUIET},       {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},   {0},
};

static bool read_map(convert_options *o, char *text, dg_error *err) {
  char *equals = strchr(text, '=');
  if (!equals || equals == text)
    return dg_fail(err, DG_ERR_INPUT, "--map needs THEIRS=OURS, not \"%s\"", text);
  if (o->how.name_count == MAX_NAMES)
    return dg_fail(err, DG_ERR_INPUT, "--map was given more than %d times", MAX_NAMES);
  *equals = '\0';
  o->names[o->how.name_count++] = (dg_name_pair){text, equals + 1};
  return true;
}

static bool read_set(convert_options *o, char *text, dg_error *err) {
  if (o->set_count == MAX_SETS)
    return dg_fail(err, DG_ERR_INPUT, "--set was given more than %d times", MAX_SETS);
  return command_set(text, &o->sets[o->set_count++], err);
}

static bool read_one(convert_options *o, int which, char *value, dg_error *err) {
  switch (which) {
  case OPT_MODEL:
    o->model = value;
    return true;
  case OPT_FROM:
    o->how.from = value;
    return true;
  case OPT_TO:
    o->how.to = value;
    return true;
  case OPT_KEY:
    o->how.key = value;
    return true;
  case OPT_LAYOUT:
    o->how.layout = value;
    return true;
  case OPT_SET:
    return read_set(o, value, err);
  case OPT_STRICT:
    o->how.strict = true;
    return true;
  case OPT_QUIET:
    o->quiet = true;
    return true;
  default:
    return read_map(o, value, err);
  }
}

bool convert_options_read(convert_options *o, int argc, char **argv, dg_error *err) {
  *o = (convert_options){.how = {.size = sizeof o->how, .names = o->names}};
  int index;
  for (int which; (which = command_option(argc, argv, known, &index, err)) != -1;) {
    if (which == '?') return false;
    if (which == OPT_HELP || which == OPT_VERSION) {
      o->task = which == OPT_HELP ? CONVERT_HELP : CONVERT_VERSION;
      return true;
    }
    if (!read_one(o, which, optarg, err)) return false;
  }
  if (argc - optind != 2)
    return dg_fail(err, DG_ERR_INPUT, "give one INPUT and one OUTPUT, not %d words; see --help",
                   argc - optind);
  if (o->set_count > 0 && !o->model)
    return dg_fail(err, DG_ERR_INPUT, "--set changes the model that --model names: give it too");
  o->input = argv[optind];
  o->output = argv[optind + 1];
  return true;
}
