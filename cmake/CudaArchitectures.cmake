# The architectures that sn9cuda is compiled for, in one place; -DSN9_CUDA_ARCHS="80;86;90a" names others (Maven:
# -Dsn9.cuda.archs=...). Each stands for that GPU's code; PTX is there for compute_80, the oldest (bf16 mma, cp.async),
# always: GPUs that have no code of their own translate it.
set(SN9_CUDA_ARCHS "80;90a" CACHE STRING "compute capabilities that sn9cuda is compiled for")
set(CMAKE_CUDA_ARCHITECTURES 80-virtual)
foreach(arch ${SN9_CUDA_ARCHS})
  if(NOT arch MATCHES "^[0-9]+[af]?$")
    message(FATAL_ERROR "SN9_CUDA_ARCHS is ${SN9_CUDA_ARCHS}, expected compute capabilities such as 80;86;90a")
  endif()
  list(APPEND CMAKE_CUDA_ARCHITECTURES ${arch}-real)
endforeach()
