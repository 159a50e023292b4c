/** Pictures that belong to no class: a file, or a folder without folders. */
#ifndef DG_PICTURES_LOOSE_H
#define DG_PICTURES_LOOSE_H

#include "core/data/dataset.h"

typedef struct dg_loose_pictures dg_loose_pictures;

/** Is it a picture, by its name or by how it begins, or a folder of some? Pipes are not looked
    into. */
bool dg_is_loose_pictures(const char *path);

/** Opens them for the model's input that `options` tell; the options must outlive it. */
dg_loose_pictures *dg_loose_open(const char *path, const dg_dataset_options *options,
                                 dg_error *err);
void dg_loose_close(dg_loose_pictures *pictures); /**< NULL is allowed */

uint32_t dg_loose_count(const dg_loose_pictures *pictures);
/** The shape of a sample: that of the input. */
dg_shape dg_loose_shape(const dg_loose_pictures *pictures);
/** The name of picture i in its folder; NULL: it came through a pipe. */
const char *dg_loose_name(const dg_loose_pictures *pictures, uint32_t i);

/** Reads `count` pictures from number `first` on, in the order of their names. */
bool dg_loose_read(const dg_loose_pictures *pictures, uint32_t first, uint32_t count,
                   dg_samples *samples, dg_error *err);

#endif
