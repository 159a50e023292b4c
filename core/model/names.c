#include "core/model/names.h"

#include <string.h>

_Static_assert(DG_MODEL_LAYERS < UINT16_MAX, "a slot holds every layer");
_Static_assert(DG_NAME_SIZE <= UINT8_MAX, "a slot holds every length");

bool dg_names_read(const char *word, char *out) {
  const size_t length = word ? strlen(word) : 0;
  if (length == 0 || length >= DG_NAME_SIZE) return false;
  for (const char *part = word;; part++) {
    const size_t size = strcspn(part, ".");
    char copy[DG_NAME_SIZE], name[DG_NAME_SIZE];
    memcpy(copy, part, size);
    copy[size] = '\0';
    if (!dg_name_read(copy, name)) return false;
    part += size;
    if (*part == '\0') break;
  }
  memcpy(out, word, length + 1);
  return true;
}

/** FNV-1a, 32 bits. */
static uint32_t hash(const char *name, size_t length) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < length; i++) sum = (sum ^ (unsigned char)name[i]) * 16777619u;
  return sum;
}

/** The slot of a name, or the free slot for it. */
static uint32_t slot_of(const dg_names *names, const dg_model *model, const char *name,
                        size_t length) {
  uint32_t at = hash(name, length) % DG_NAME_SLOTS;
  for (;; at = (at + 1) % DG_NAME_SLOTS) {
    const dg_named *slot = &names->slot[at];
    if (slot->layer == 0) return at;
    if (slot->length == length && memcmp(model->layers[slot->layer - 1].name, name, length) == 0)
      return at;
  }
}

const dg_named *dg_names_find(const dg_names *names, const dg_model *model, const char *name) {
  const dg_named *slot = &names->slot[slot_of(names, model, name, strlen(name))];
  return slot->layer ? slot : NULL;
}

bool dg_names_add(dg_names *names, const dg_model *model, uint32_t index) {
  const char *name = model->layers[index].name;
  uint32_t parts = 0;
  for (size_t length = 0;; length++) {
    length += strcspn(name + length, ".");
    const bool block = name[length] != '\0';
    dg_named *slot = &names->slot[slot_of(names, model, name, length)];
    if (++parts > DG_NAME_PARTS || (slot->layer && !(slot->block && block))) return false;
    *slot = (dg_named){(uint16_t)(index + 1), (uint8_t)length, block};
    if (!block) return true;
  }
}
