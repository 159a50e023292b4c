#include "backends/cpu/instruction_sets.h"

#include <string.h>

#include "core/base/text.h"

extern const dg_cpu_ops dg_cpu_ops_baseline;
#ifdef DG_CPU_AVX2
extern const dg_cpu_ops dg_cpu_ops_avx2;
#endif
#ifdef DG_CPU_AVX512
extern const dg_cpu_ops dg_cpu_ops_avx512;
#endif

const char *const dg_cpu_instruction_sets[] = {
#ifdef DG_CPU_AVX512
    "avx512",
#endif
#ifdef DG_CPU_AVX2
    "avx2",
#endif
    "baseline", NULL};

/** Ops for an instruction set, and whether this processor supports it. */
typedef struct {
  const char *name;
  bool here;
  const dg_cpu_ops *ops;
} isa;

const dg_cpu_ops *dg_cpu_ops_for(const char *wanted, dg_error *err) {
  const isa sets[] = {
#ifdef DG_CPU_AVX512
      {"avx512",
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"),
       &dg_cpu_ops_avx512},
#endif
#ifdef DG_CPU_AVX2
      {"avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), &dg_cpu_ops_avx2},
#endif
      {"baseline", true, &dg_cpu_ops_baseline},
  };
  char names[64] = "";
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    dg_append(names, sizeof names, "%s%s", i ? ", " : "", sets[i].name);
    if (wanted ? strcmp(wanted, sets[i].name) != 0 : !sets[i].here) continue;
    if (sets[i].here) return sets[i].ops;
    dg_fail(err, DG_ERR_UNSUPPORTED, "this processor has no %s", wanted);
    return NULL;
  }
  dg_fail(err, DG_ERR_INPUT, "the cpu backend has no ops of form \"%s\"; there are %s", wanted,
          names);
  return NULL;
}
