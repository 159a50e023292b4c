/* The common part of all programs: blocks of WIDTH numbers, and activations.
 *
 * WIDTH (a build option) is how many numbers one work-item of an elementwise
 * kernel processes: 16 on CPUs, 4 on GPUs. The last block of a tensor may be
 * short; `left` is how many numbers remain from its start. GROUP (a build
 * option) is how many work-items share a line of numbers in a reduction: 1 on
 * CPUs.
 */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define floatw JOIN(float, WIDTH)
#define intw JOIN(int, WIDTH)
#define uintw JOIN(uint, WIDTH)
#define ucharw JOIN(uchar, WIDTH)
#define vload_w JOIN(vload, WIDTH)
#define vstore_w JOIN(vstore, WIDTH)
#define convert_floatw JOIN(convert_float, WIDTH)
#define convert_intw JOIN(convert_int, WIDTH)

/* FUSED (a build option): the device has fused multiply-add. */
#ifdef FUSED
#define MULTIPLY_ADD fma
#else
#define MULTIPLY_ADD mad
#endif

/* The dg_act_kind of backend.h. */
enum { ACT_NONE, ACT_RELU, ACT_LEAKY_RELU, ACT_SIGMOID, ACT_TANH };

/* A block whose missing numbers are set to `other`. */
inline floatw load_block_or(global const float *from, uint left, float other) {
  if (left >= WIDTH) return vload_w(0, from);
  float numbers[WIDTH];
  for (uint i = 0; i < WIDTH; i++) numbers[i] = i < left ? from[i] : other;
  return vload_w(0, numbers);
}

inline floatw load_block(global const float *from, uint left) {
  return load_block_or(from, left, 0.0f);
}

inline void store_block(floatw value, global float *to, uint left) {
  if (left >= WIDTH) {
    vstore_w(value, 0, to);
    return;
  }
  float numbers[WIDTH];
  vstore_w(value, 0, numbers);
  for (uint i = 0; i < left; i++) to[i] = numbers[i];
}

/* Writes a gradient, or adds it to what is there. */
inline void store_gradient(floatw value, global float *to, uint left, uint add) {
  store_block(add ? load_block(to, left) + value : value, to, left);
}

/* 0, 1, 2 … */
inline uintw lane_numbers(void) {
  uint numbers[WIDTH];
  for (uint i = 0; i < WIDTH; i++) numbers[i] = i;
  return vload_w(0, numbers);
}

inline float add_lanes(floatw v) {
  float lanes[WIDTH];
  vstore_w(v, 0, lanes);
  float total = 0.0f;
  for (uint i = 0; i < WIDTH; i++) total += lanes[i];
  return total;
}

/* The sum of a value over the work-items of a group, returned to each of them. */
inline float sum_of_group(float value, local float *shared) {
#if GROUP > 1
  const uint item = get_local_id(0);
  barrier(CLK_LOCAL_MEM_FENCE); /* all have read the previous sum */
  shared[item] = value;
  for (uint half_ = GROUP / 2; half_ > 0; half_ /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < half_) shared[item] += shared[item + half_];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  return shared[0];
#else
  return value;
#endif
}
