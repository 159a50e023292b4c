/** Keras's files for tests that make their own, and their conversion. */
#ifndef DG_TESTS_KERAS_H
#define DG_TESTS_KERAS_H

#include "core/formats/archive.h"
#include "digits/exchange.h"
#include "digits/model.h"

/* Layers, as Keras's settings and our model files write them; ' stands for ". */
#define DENSE(name, units)                                                                         \
  "{'class_name': 'Dense', 'config': {'name': '" name "', 'units': " #units "}}"
#define FLATTEN "{ type = 'flatten'; }, "

/** What a conversion told. */
typedef struct {
  char text[8000]; /**< one line each */
  int count;
  char key[200], value[100]; /**< of the last that a key sets right; else empty */
} keras_told;

/** Makes the folder of the files. */
void keras_start(void);

/** Text with " for ', in one of four buffers. */
const char *keras_quoted(const char *text);

/**
 * Writes an HDF5 file as the one to convert. The content is parts separated by ';': a tensor
 * "fc/kernel 6 4 =1" is [6, 4], its numbers go up from 1; "@GROUP ATTRIBUTE: a b c" is a list of
 * names at a group. `config` and `version` NULL: it has none.
 */
void keras_write_hdf5(const char *name, const char *content, const char *config,
                      const char *version);

/** Writes a .keras with such an HDF5 file in it. */
void keras_write_zip(const char *content, const char *config, const char *version);

/** Writes a .keras of any entries. */
void keras_write_entries(const dg_archive_entry *entries, size_t count);

/** Writes a .keras or .h5 of a sequential model with these layers. */
void keras_write(bool zip, const char *content, const char *layers);

/** Our model with these layers; `set` NULL: without overrides. */
dg_model *keras_model(const char *input, const char *layers, const dg_override *set);

/** Converts the file that was written last. */
bool keras_convert(const dg_model *model, dg_convert_options options, keras_told *told,
                   dg_error *err);

/** Is there a converted file? */
bool keras_converted(void);

/** The numbers of one of our tensors in it: "1 2 3". */
const char *keras_numbers(const char *name);

#endif
