// Enough of CUDA C++ to run a kernel on the processor (g++, Linux). The threads of a block take turns: each runs to the
// next barrier before the next thread begins, in the order of their numbers or in the opposite order. A barrier that is
// missing shows: the results of the two orders differ. Shared memory begins as NaNs in every block. A barrier that some
// threads reach on another line, or never, is an error.
// Not here: warps, streams, fast maths, limits on registers and shared memory. Headers of C alone, which compile fast.
#pragma once
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("shared")))
#define __syncthreads() shim::wait(__LINE__)
#define OF_LINKER extern __attribute__((weak, visibility("hidden")))

extern "C" double tanh(double);
extern "C" float tanhf(float);
inline float tanh(float x) { return tanhf(x); }

struct dim3 {
  unsigned x, y, z;
};
static dim3 threadIdx{0, 0, 0}, blockIdx{0, 0, 0}, blockDim{1, 1, 1}, gridDim{1, 1, 1};
OF_LINKER char __start_shared[], __stop_shared[];  // where shared memory begins and ends

namespace shim {
constexpr size_t STACK = 1 << 16;

struct Thread {
  ucontext_t here;
  int line;  // where it waits; 0 after its end
};
static Thread* threads;
static ucontext_t scheduler;
static void (*run_kernel)(void**);
static void** given;

static void wait(int line) {
  threads[threadIdx.x].line = line;
  swapcontext(&threads[threadIdx.x].here, &scheduler);
}

static void run_thread() {
  run_kernel(given);
  threads[threadIdx.x].line = 0;
}

// Returns whether all threads of the block met at each barrier.
static bool run_block(char* stacks, bool descending) {
  const unsigned count = blockDim.x;
  if (__start_shared) memset(__start_shared, 0xff, __stop_shared - __start_shared);
  for (unsigned i = 0; i < count; i++) {
    ucontext_t& here = threads[i].here;
    getcontext(&here);
    here.uc_stack.ss_sp = stacks + i * STACK, here.uc_stack.ss_size = STACK, here.uc_link = &scheduler;
    makecontext(&here, run_thread, 0);
  }
  do {
    for (unsigned i = 0; i < count; i++) {
      threadIdx.x = descending ? count - 1 - i : i;
      swapcontext(&scheduler, &threads[threadIdx.x].here);
    }
    for (unsigned i = 1; i < count; i++)
      if (threads[i].line != threads[0].line) return false;
  } while (threads[0].line);
  return true;
}

// arguments: a pointer to each, as cuLaunchKernel takes them. Returns whether all threads met at each barrier.
static bool launch(void (*kernel)(void**), unsigned grid, unsigned block, bool descending, void** arguments) {
  gridDim.x = grid, blockDim.x = block, run_kernel = kernel, given = arguments;
  threads = (Thread*)malloc(block * sizeof(Thread));
  char* stacks = (char*)malloc(block * STACK);
  bool met = true;
  for (blockIdx.x = 0; met && blockIdx.x < grid; blockIdx.x++) met = run_block(stacks, descending);
  free(stacks);
  free(threads);
  return met;
}

template <int... i>
struct Positions {};

template <class... A, int... i>
void call(void (*kernel)(A...), void** arguments, Positions<i...>) {
  kernel(*(A*)arguments[i]...);
}

template <class... A>
void call(void (*kernel)(A...), void** arguments) {
  call(kernel, arguments, Positions<__integer_pack(sizeof...(A))...>());
}

inline const char* type(const float*) { return "float32* "; }
inline const char* type(const double*) { return "float64* "; }
inline const char* type(const bool*) { return "bool* "; }
inline const char* type(const long long*) { return "int64* "; }
inline const char* type(int) { return "int32 "; }

template <class... A>
const char* types(void (*)(A...)) {
  static char all[1000];
  const char* names[] = {type(A())...};
  all[0] = 0;
  for (const char* name : names) strcat(all, name);
  return all;
}
}  // namespace shim

#define LAUNCHABLE(kernel)                                                                             \
  static void call_##kernel(void** arguments) { shim::call(kernel, arguments); }                       \
  extern "C" const char* types_##kernel() { return shim::types(kernel); }                              \
  extern "C" bool launch_##kernel(unsigned grid, unsigned block, bool descending, void** arguments) {  \
    return shim::launch(call_##kernel, grid, block, descending, arguments);                            \
  }
