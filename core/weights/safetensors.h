/**
 * Weight files in the safetensors format (https://github.com/huggingface/safetensors): eight bytes
 * with the length of a JSON header, the header with every tensor's type, shape and offsets, and the
 * numbers, little-endian, without gaps.
 */
#ifndef DG_SAFETENSORS_H
#define DG_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/formats/element.h"

enum { DG_TENSOR_RANK = 8 };

/** A tensor with a name. */
typedef struct {
  const char *name;
  uint32_t rank;
  uint64_t dim[DG_TENSOR_RANK];
  const void *data;   /**< in a file that was read, it need not be aligned */
  dg_element element; /**< float32 unless set */
  const char *other;  /**< the name of a type that is not in dg_element; else NULL */
  uint64_t bytes;     /**< of `data`, in a file that was read */
} dg_stored_tensor;

/** An entry of a file's metadata. */
typedef struct {
  const char *key, *value;
} dg_stored_text;

/** A file in memory. It owns what it points to. */
typedef struct {
  size_t tensor_count, text_count;
  dg_stored_tensor *tensors; /**< in the order of their data */
  dg_stored_text *texts;
  void *content, *header;
} dg_safetensors;

/** Count of a tensor's numbers; UINT64_MAX on overflow. */
uint64_t dg_stored_count(const dg_stored_tensor *tensor);

/**
 * Writes a file of float32. The new file replaces an old one only when it is complete and its
 * header, read back, has exactly these tensors and texts.
 */
bool dg_safetensors_write(const char *path, const dg_stored_tensor *tensors, size_t tensor_count,
                          const dg_stored_text *texts, size_t text_count, dg_error *err);

/**
 * Reads a file. It is an error if the file is truncated, has wrong sizes, or tensors that overlap
 * or leave gaps. Free with dg_safetensors_free.
 */
bool dg_safetensors_read(dg_safetensors *file, const char *path, dg_error *err);
void dg_safetensors_free(dg_safetensors *file);

/** The name of a tensor's type in such files: "F32". */
const char *dg_safetensors_type(const dg_stored_tensor *tensor);

/** The tensor of that name, or NULL. */
const dg_stored_tensor *dg_safetensors_find(const dg_safetensors *file, const char *name);
/** The text of that key, or NULL. */
const char *dg_safetensors_text(const dg_safetensors *file, const char *key);

#endif
