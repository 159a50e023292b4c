#include "tools/convert/options.h"

#include <string.h>

#include "core/base/error.h"
#include "tools/common/command.h"

const char convert_options_help[] =
    "Usage: digits-convert [options] INPUT OUTPUT\n"
    "Turns the weights of other programs into weights of digits, and those of digits into files\n"
    "for others. Prints which tensor of INPUT became which of the model.\n"
    "\n"
    "Formats, by the extension of a file\n"
    "  pytorch      read           .pth .pt      state dicts of torch.save\n"
    "  hdf5         read           .h5 .hdf5     Keras's weights and models; plain HDF5\n"
    "  npz          read, written  .npz          arrays of numpy.savez\n"
    "  safetensors  read, written  .safetensors  of digits and of others\n"
    "  onnx         written        .onnx         the whole network, for other runtimes: \"image\"\n"
    "                                            [N, channels, height, width], bytes / 255, to\n"
    "                                            \"logits\" [N, classes]\n"
    "\n"
    "Options\n"
    "  --model MODEL        name or path of the model that the weights are for, or a weight file\n"
    "                       of digits that carries it; default: the one that INPUT carries\n"
    "  --from pytorch|hdf5|npz|safetensors\n"
    "                       what INPUT is, whatever its name says\n"
    "  --to safetensors|npz|onnx\n"
    "                       what OUTPUT becomes, whatever its name says\n"
    "  --map THEIRS=OURS    a layer or tensor of INPUT is this one of the model: --map 0=conv1,\n"
    "                       --map W1=fc1.weight; --map THEIRS= leaves it out; may be given often\n"
    "  --layout pytorch|keras\n"
    "                       whose orders INPUT has: kernels, gates, flattened images; default:\n"
    "                       keras where its names are Keras's, else pytorch\n"
    "  --quiet              print nothing\n"
    "  -h, --help  --version\n"
    "\n"
    "What all names begin with is put aside, and layers of the same name are taken; the others by\n"
    "their order and shape. Where several would do, or names say another order, it is an error\n"
    "that asks for --map. Nothing of INPUT is ever run: a .pth file whose pickle calls for more\n"
    "than tensors is refused.\n"
    "\n"
    "Exit status: 0 done; 1 it failed while running; 2 wrong usage or input.\n";

enum { OPT_MODEL = 256, OPT_FROM, OPT_TO, OPT_MAP, OPT_LAYOUT, OPT_QUIET, OPT_HELP, OPT_VERSION };

static const struct option known[] = {
    {"model", required_argument, NULL, OPT_MODEL},
    {"from", required_argument, NULL, OPT_FROM},
    {"to", required_argument, NULL, OPT_TO},
    {"map", required_argument, NULL, OPT_MAP},
    {"layout", required_argument, NULL, OPT_LAYOUT},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
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
  case OPT_LAYOUT:
    o->how.layout = value;
    return true;
  case OPT_QUIET:
    o->quiet = true;
    return true;
  default:
    return read_map(o, value, err);
  }
}

bool convert_options_read(convert_options *o, int argc, char **argv, dg_error *err) {
  *o = (convert_options){.how.names = o->names};
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
  o->input = argv[optind];
  o->output = argv[optind + 1];
  return true;
}
