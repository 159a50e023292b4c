/** Samples of picture files. */
#ifndef DG_PICTURES_TAKE_H
#define DG_PICTURES_TAKE_H

#include "core/data/dataset.h"
#include "digits/picture.h"

/** Ends of the names of pictures; NULL is last. */
extern const char *const dg_picture_extensions[];

/** Bytes of a colour that are read for samples with so many channels; 0: bytes of gray are. */
unsigned dg_picture_depth(const dg_dataset_options *options, uint32_t channels);

/** Reads a picture of that depth. Free with dg_picture_free. */
bool dg_picture_take(dg_picture *picture, const char *path, unsigned depth,
                     const dg_dataset_options *options, dg_error *err);

/** Makes a sample of it, scaled to the kind's size. */
bool dg_picture_to_sample(uint8_t *sample, const dg_sample_kind *kind, const dg_picture *picture,
                          unsigned depth, dg_error *err);

#endif
