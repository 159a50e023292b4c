#include "tools/serve/options.h"

#include "core/base/error.h"
#include "tools/common/command.h"

const char serve_options_help[] =
    "Usage: digits-serve [options] [WEIGHTS...]\n"
    "Serves a page to draw digits on, with mouse, pen or finger. While you draw, it shows what\n"
    "trained networks answer. Open the address that digits-serve prints in a browser on this\n"
    "machine; Ctrl-C ends the server.\n"
    "\n"
    "WEIGHTS are paths of weight files if they have a slash or end in .safetensors. Otherwise\n"
    "they are names of those in $DIGITS_WEIGHTS or, if that is not set, of installed ones.\n"
    "Default: all that have a name.\n"
    "\n"
    "  --port N              port to listen on, default 8020; 0: any free port\n"
    "  --listen ADDRESS      address to listen on, such as 192.168.1.5, or 0.0.0.0 for all;\n"
    "                        default: this machine alone (127.0.0.1, and ::1 if there is IPv6).\n"
    "                        Others need the token in the printed address\n"
    "  --min-probability P   show ? for a digit whose likeliest class has a probability below P, "
    "such\n"
    "                        as 0.9, and its two likeliest classes\n"
    "  --token TOKEN         the token that requests need: 16 to 128 letters, digits, -, ., _\n"
    "                        and ~. Default: $DIGITS_TOKEN, else a new one if others can\n"
    "                        connect, else none. Users of this machine can see TOKEN (ps)\n"
    "  --token-file FILE     the token is the first line of FILE\n"
    "\n"
    "Where it runs\n"
    "  --backend cpu|opencl  default: opencl if there is a device, else cpu\n"
    "  --device N            number of the device, or a part of its name\n"
    "  --threads N           threads of the cpu backend; default: all cores\n"
    "\n"
    "  -h, --help  --version\n"
    "\n"
    "Requests from programs\n"
    "  POST /predict         send a PNG, JPEG or PGM picture of up to 256 kB; the answer is\n"
    "                        JSON: the digits found, as the networks see them, and the\n"
    "                        probabilities from each network. Or JSON, for networks of any\n"
    "                        input: {\"inputs\": [[1.5, 2], ...], \"model\": NAME, \"type\":\n"
    "                        \"floats\" or \"bytes\"}, with up to 1024 samples of the shape of "
    "the\n"
    "                        network's input. Without \"model\", all networks of that input\n"
    "                        answer; bytes are divided by 255. The answer has \"logits\",\n"
    "                        \"probabilities\", \"label\" and \"name\" of each sample, or "
    "\"values\"\n"
    "                        in the units of the targets\n"
    "  GET /models           the device and the networks with their inputs, as JSON\n"
    "A request must name the server by an address or as localhost; requests from other web pages\n"
    "are refused. If there is a token, send the header Authorization: Bearer TOKEN. A picture\n"
    "has at most 2 097 152 pixels; a request that takes longer than 10 s to arrive is dropped.\n"
    "\n"
    "Exit status: 0 ended by Ctrl-C or SIGTERM; 1 failure while running, such as a port in use;\n"
    "2 wrong usage or input; 130 interrupted before it listened.\n";

enum { DEFAULT_PORT = 8020, MAX_PORT = 65535, MAX_THREADS = 1024 };

enum {
  OPT_PORT = 256,
  OPT_LISTEN,
  OPT_MIN_PROBABILITY,
  OPT_TOKEN,
  OPT_TOKEN_FILE,
  OPT_BACKEND,
  OPT_DEVICE,
  OPT_THREADS,
  OPT_HELP,
  OPT_VERSION
};

static const struct option known[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"min-probability", required_argument, NULL, OPT_MIN_PROBABILITY},
    {"token", required_argument, NULL, OPT_TOKEN},
    {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static bool read_one(serve_options *o, int which, const char *value, dg_error *err) {
  switch (which) {
  case OPT_PORT:
    return command_number("--port", value, 0, MAX_PORT, &o->port, err);
  case OPT_LISTEN:
    o->listen = value;
    return true;
  case OPT_MIN_PROBABILITY:
    return command_probability("--min-probability", value, &o->min_probability, err);
  case OPT_TOKEN:
    o->token = value;
    return true;
  case OPT_TOKEN_FILE:
    o->token_file = value;
    return true;
  case OPT_BACKEND:
    o->backend = value;
    return true;
  case OPT_DEVICE:
    o->device = value;
    return true;
  case OPT_THREADS:
    return command_number("--threads", value, 1, MAX_THREADS, &o->threads, err);
  }
  return false;
}

bool serve_options_read(serve_options *o, int argc, char **argv, dg_error *err) {
  *o = (serve_options){.port = DEFAULT_PORT};
  int index;
  for (int which; (which = command_option(argc, argv, known, &index, err)) != -1;) {
    if (which == '?') return false;
    if (which == OPT_HELP || which == OPT_VERSION) {
      o->task = which == OPT_HELP ? SERVE_HELP : SERVE_VERSION;
      return true;
    }
    if (!read_one(o, which, optarg, err)) return false;
  }
  if (o->token && o->token_file)
    return dg_fail(err, DG_ERR_INPUT, "give --token or --token-file, not both; see --help");
  o->weights = argv + optind;
  o->weights_count = (uint32_t)(argc - optind);
  return true;
}
