/** Matrix products on all threads of a device. */
#ifndef DG_CPU_GEMM_H
#define DG_CPU_GEMM_H

#include "backends/cpu/elementwise/drop.h"
#include "backends/cpu/runtime/device.h"
#include "backends/cpu/runtime/isa.h"

#define dg_gemm_workspace DG_ISA_NAME(dg_gemm_workspace)
#define dg_gemm_run DG_ISA_NAME(dg_gemm_run)

/** The panel that a worker has packed last, cached across pieces: zeros at first. */
typedef struct {
  _Alignas(DG_CPU_ALIGNMENT) uint64_t run;
  size_t end; /**< the column after the panel's last one */
} dg_gemm_packed;

/** c [rows, columns] = a [rows, depth] b [depth, columns]; the fields give the layout of each. */
typedef struct {
  size_t rows, columns, depth;
  const float *a;
  size_t a_row;           /**< a's element (j, k) is a[j * a_row + k] */
  const uint32_t *a_step; /**< or, if this isn't NULL, a[a_step[k] + j] */
  const float *b;
  size_t b_row;
  bool b_transposed;   /**< b's element (k, v) is b[v * b_row + k], else b[k * b_row + v] */
  const float *panels; /**< b in packed panels, the one from column v on at panels[v * depth]; NULL:
                          each worker packs what it needs of b */
  float *c;
  size_t c_row;

  bool c_transposed; /**< c's element (j, v) is c[v * c_row + j], else c[j * c_row + v] */
  bool add;          /**< adds the product to c instead of overwriting it */
  bool by_rows; /**< threads partition its rows, if that is about as balanced; else its columns */
  const float *bias;        /**< [rows], added to the product; or NULL */
  const float *column_bias; /**< [columns], the same */
  dg_act act;
  bool drops;             /**< a dropout at the end, if c is transposed: element j of sample v */
  dg_mask mask;           /**< its mask */
  dg_gemm_packed *packed; /**< for each worker; or NULL: rows are only cut to give each thread one
                             piece, which packs what it needs */
} dg_gemm;

/** Bytes of workspace for products up to this depth. */
size_t dg_gemm_workspace(const dg_cpu_device *device, size_t depth);

/** Enqueues it, as dg_cpu_run_pieces does; the struct is copied. */
void dg_gemm_run(const dg_cpu_device *device, const dg_gemm *product, float *workspace);

#endif
