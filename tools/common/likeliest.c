#include "tools/common/likeliest.h"

#include <stdio.h>

#include "tools/common/json_ended.h"
#include "tools/common/say.h"

/** Does class c come before class d by probability? */
static bool likelier(const float *p, uint32_t c, uint32_t d) {
  return p[c] > p[d] || (p[c] == p[d] && c < d);
}

uint32_t likeliest_class(const float *p, uint32_t classes, uint32_t rank) {
  for (uint32_t c = 0; c < classes; c++) {
    uint32_t before = 0;
    for (uint32_t d = 0; d < classes; d++) before += likelier(p, d, c);
    if (before == rank) return c;
  }
  return 0;
}

bool likeliest_unsure(const float *p, uint32_t classes, double least) {
  return (double)p[likeliest_class(p, classes, 0)] < least;
}

static json_t *two(const float *p, uint32_t classes, const dg_classes *names) {
  json_t *array = json_array();
  bool ok = array != NULL;
  for (uint32_t rank = 0; rank < 2 && rank < classes; rank++) {
    uint32_t c = likeliest_class(p, classes, rank);
    json_t *one = json_pack("{si sf}", "label", (int)c, "probability", (double)p[c]);
    if (names && c < names->count) json_put(one, "name", json_string(names->name[c]), &ok);
    json_add(array, one, &ok);
  }
  return json_ended(array, ok);
}

void likeliest_mark(json_t *object, const float *p, uint32_t classes, const dg_classes *names,
                    double least, bool *ok) {
  bool unsure = likeliest_unsure(p, classes, least);
  json_put(object, "unsure", json_boolean(unsure), ok);
  if (!unsure) return;
  json_put(object, "label", json_null(), ok);
  json_object_del(object, "name");
  json_put(object, "likeliest", two(p, classes, names), ok);
}

void likeliest_warn(const char *program, const char *weights, double least, double temperature) {
  if (least > 0 && temperature == 0)
    say_to(
        stderr,
        "%s: %s carries no temperature, so that its answers may be correct less often than their "
        "probabilities say; digits-run --calibrate fits one\n",
        program, weights);
}
