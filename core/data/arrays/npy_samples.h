/** A .npy file of samples, read piece by piece. */
#ifndef DG_NPY_SAMPLES_H
#define DG_NPY_SAMPLES_H

#include "core/data/dataset.h"

typedef struct dg_npy_samples dg_npy_samples;

/** Is it a .npy file, by its name or by how it begins? Pipes are not looked into. */
bool dg_is_npy_samples(const char *path);

/** Opens one; `options`, which must outlive it, tell the model's input. */
dg_npy_samples *dg_npy_samples_open(const char *path, const dg_dataset_options *options,
                                    dg_error *err);
void dg_npy_samples_close(dg_npy_samples *file); /**< NULL is allowed */

uint32_t dg_npy_samples_count(const dg_npy_samples *file);
/** The shape of a sample. */
dg_shape dg_npy_samples_shape(const dg_npy_samples *file);

/** Reads the inputs of `count` samples, more than 0, from number `first` on. */
bool dg_npy_samples_read(const dg_npy_samples *file, uint32_t first, uint32_t count,
                         dg_samples *samples, dg_error *err);

#endif
